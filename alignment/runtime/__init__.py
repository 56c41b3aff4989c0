"""Records of stages, processes, signals, secrets and memory: what a run needs from its machine."""

from typing import TYPE_CHECKING

from social_sandbox.envs.lazy import on_use

if TYPE_CHECKING:
    from .processes import is_first as is_first
    from .processes import several as several
    from .secrets import without_secret as without_secret
    from .secrets import without_secrets as without_secrets
    from .signals import Terminated as Terminated
    from .signals import sigterm_stops as sigterm_stops
    from .stage import Summary as Summary
    from .stage import Work as Work
    from .stage import is_complete as is_complete
    from .stage import read_record as read_record
    from .stage import run_stage as run_stage
    from .stage import write_json as write_json

_PLACES = {
    "Summary": "stage",
    "Terminated": "signals",
    "Work": "stage",
    "is_complete": "stage",
    "is_first": "processes",
    "read_record": "stage",
    "run_stage": "stage",
    "several": "processes",
    "sigterm_stops": "signals",
    "without_secret": "secrets",
    "without_secrets": "secrets",
    "write_json": "stage",
}
__all__ = list(_PLACES)
__getattr__ = on_use(__name__, _PLACES)
