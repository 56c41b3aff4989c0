"""Training data: rated groups, their sources, and checks of them."""

from social_sandbox.envs.text.messages import Message

from .config import DataConfig, SourceConfig
from .groups import Candidate, RatedGroup, Source, read_groups, write_groups
from .sources import read_sources
from .validation import check_groups

__all__ = [
    "Candidate",
    "DataConfig",
    "Message",
    "RatedGroup",
    "Source",
    "SourceConfig",
    "check_groups",
    "read_groups",
    "read_sources",
    "write_groups",
]
