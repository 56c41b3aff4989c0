"""Names of packages whose modules are imported when the name is used.

A package whose names need torch or another large library lists them here, so that a program that
uses none of them does not wait for the library.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def on_use(package: str, places: Mapping[str, str]) -> Callable[[str], Any]:
    """Return the function `__getattr__` of a package.

    Args:
        package: Name of the package.
        places: The module of each name, relative to the package.
    """

    def __getattr__(name: str) -> Any:
        if name not in places:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f"{package}.{places[name]}"), name)

    return __getattr__
