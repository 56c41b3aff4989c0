"""Former names of modules: they can still be imported, with a warning that names the new module."""

import sys
import warnings
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any


class _FormerPlaces(MetaPathFinder, Loader):
    """Finds modules by their former names, if no other finder knows the name."""

    def __init__(self) -> None:
        self.places: dict[str, tuple[str, ...]] = {}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return a spec for a module that has moved; None for every other name."""
        if fullname not in self.places:
            return None
        return ModuleSpec(fullname, self, is_package=True)

    def exec_module(self, module: ModuleType) -> None:
        """Make the attributes of a former module those of the current modules."""
        name = module.__name__
        places = self.places[name]
        warnings.warn(
            f"{name} has moved: import from {' or '.join(places)}", DeprecationWarning, stacklevel=2
        )

        def lookup(attribute: str) -> Any:
            for place in places:
                current = import_module(place)
                if hasattr(current, attribute):
                    return getattr(current, attribute)
            raise AttributeError(f"module {name!r} has no attribute {attribute!r}")

        module.__getattr__ = lookup  # type: ignore[method-assign]


_FINDER = _FormerPlaces()


def moved(package: str, places: Mapping[str, str]) -> None:
    """Keep former modules of a package importable.

    Args:
        package: Dotted name of the package, such as `social_sandbox.policies`.
        places: The current modules of each former module, separated by spaces; each is named
            within the package, or by its whole name.
    """
    root = package.partition(".")[0] + "."
    for former, now in places.items():
        _FINDER.places[f"{package}.{former}"] = tuple(
            each if each.startswith(root) else f"{package}.{each}" for each in now.split()
        )
    if _FINDER not in sys.meta_path:
        sys.meta_path.append(_FINDER)
