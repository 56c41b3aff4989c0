"""Former places of modules: imports of them go on, with a warning that names the new place."""

import sys
import warnings
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any


class _FormerPlaces(MetaPathFinder, Loader):
    """Finds modules that were moved, after every other finder has found nothing."""

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
        """Let a former module look its names up where they are now."""
        name = module.__name__
        places = self.places[name]
        warnings.warn(
            f"{name} has moved: import from {' or '.join(places)}", DeprecationWarning, stacklevel=2
        )

        def lookup(attribute: str) -> Any:
            for place in places:
                found = import_module(place)
                if hasattr(found, attribute):
                    return getattr(found, attribute)
            raise AttributeError(f"module {name!r} has no attribute {attribute!r}")

        module.__getattr__ = lookup  # type: ignore[method-assign]


_FINDER = _FormerPlaces()


def moved(package: str, places: Mapping[str, str]) -> None:
    """Keep former modules of a package importable.

    Args:
        package: the dotted name of the package, such as `social_sandbox.policies`.
        places: the former module's name within the package -> where its names are now, within
            the same package: one or several modules, separated by spaces.
    """
    for former, now in places.items():
        _FINDER.places[f"{package}.{former}"] = tuple(f"{package}.{each}" for each in now.split())
    if _FINDER not in sys.meta_path:
        sys.meta_path.append(_FINDER)
