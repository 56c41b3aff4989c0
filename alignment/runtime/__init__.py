"""Records of stages, processes, signals, secrets and memory: what a run needs from its machine."""

from .processes import is_first, several
from .secrets import without_secret, without_secrets
from .signals import Terminated, sigterm_stops
from .stage import Summary, Work, is_complete, read_record, run_stage, write_json

__all__ = [
    "Summary",
    "Terminated",
    "Work",
    "is_complete",
    "is_first",
    "read_record",
    "run_stage",
    "several",
    "sigterm_stops",
    "without_secret",
    "without_secrets",
    "write_json",
]
