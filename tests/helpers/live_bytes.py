"""The memory of tensors, counted while a program makes and frees them."""

import weakref
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class LiveBytes(TorchDispatchMode):
    """Counts the bytes of the tensors that operations make in the context, and their peak."""

    def __init__(self, before: int) -> None:
        """`before`: bytes of tensors that are there when the context begins."""
        super().__init__()
        self.now = self.peak = before
        self._sizes: dict[int, int] = {}

    def __torch_dispatch__(
        self, operation: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        before = {
            id(leaf.untyped_storage())
            for leaf in tree_leaves((args, kwargs))
            if isinstance(leaf, torch.Tensor)
        }
        made = operation(*args, **(kwargs or {}))
        for leaf in tree_leaves(made):
            if isinstance(leaf, torch.Tensor):
                self._add(leaf.untyped_storage(), before)
        return made

    def _add(self, storage: Any, before: set[int]) -> None:
        name = id(storage)
        # A view, or the result of an operation in place, has no memory of its own.
        if name in self._sizes or name in before:
            return
        self._sizes[name] = storage.nbytes()
        self.now += storage.nbytes()
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self._remove, name)

    def _remove(self, name: int) -> None:
        self.now -= self._sizes.pop(name)
