"""Solo-v0 for other libraries: a vector environment, wrappers of spaces, and a server."""

from typing import TYPE_CHECKING

from social_sandbox.envs.lazy import on_use

if TYPE_CHECKING:
    from .vector import SoloVectorEnv as SoloVectorEnv
    from .wrappers import ChosenText as ChosenText
    from .wrappers import EmbeddedObservation as EmbeddedObservation

_PLACES = {
    "ChosenText": "wrappers",
    "EmbeddedObservation": "wrappers",
    "SoloVectorEnv": "vector",
}
__all__ = list(_PLACES)
__getattr__ = on_use(__name__, _PLACES)
