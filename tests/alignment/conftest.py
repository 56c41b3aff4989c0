from collections.abc import Iterator
from typing import Any

import pytest
import torch

from ..helpers.tiny import tiny_llama, tiny_tokenizer


@pytest.fixture(autouse=True)
def one_thread(request: pytest.FixtureRequest) -> Iterator[None]:
    """Threads that wait for each other over tensors of 32 numbers take most of the time."""
    before = torch.get_num_threads()
    if not request.node.get_closest_marker("embedded"):
        torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def tokenizer() -> Any:
    return tiny_tokenizer()


@pytest.fixture
def model(tokenizer: Any) -> Any:
    """Always the same random weights."""
    return tiny_llama(len(tokenizer))
