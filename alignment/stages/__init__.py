"""The jobs of the command line; each is a function that a script can call."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .online import online as online
    from .run import run_all as run_all
    from .settings import Settings as Settings
    from .settings import read_settings as read_settings

_PLACES = {
    "Settings": "settings",
    "online": "online",
    "read_settings": "settings",
    "run_all": "run",
}
__all__ = list(_PLACES)


def __getattr__(name: str) -> Any:
    """Import a stage when it is used: the command line should not wait for torch to show help."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
