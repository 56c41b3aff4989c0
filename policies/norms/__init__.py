"""Norms: rules about answers that can be checked, and the observer that rates by them.

>>> from social_sandbox.policies.norms import NORMS, NormsPolicy
>>> asks_back = NORMS["asks_back"]
>>> asks_back("May I keep the wallet?", "Whose is it?")
1.0
>>> asks_back("May I keep the wallet?", "May I keep the wallet? Yes.")
0.0
"""

from typing import TYPE_CHECKING

from social_sandbox.envs.lazy import on_use

if TYPE_CHECKING:
    from .norm import FOLLOWED as FOLLOWED
    from .norm import Example as Example
    from .norm import Norm as Norm
    from .policy import NormsPolicy as NormsPolicy
    from .registry import KEPT_OUT as KEPT_OUT
    from .registry import NORMS as NORMS
    from .registry import find_norm as find_norm

_PLACES = {
    "FOLLOWED": "norm",
    "KEPT_OUT": "registry",
    "NORMS": "registry",
    "Example": "norm",
    "Norm": "norm",
    "NormsPolicy": "policy",
    "find_norm": "registry",
}
__all__ = list(_PLACES)
__getattr__ = on_use(__name__, _PLACES)
