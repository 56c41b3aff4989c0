"""Training data: rated groups, where they come from, and what is wrong with them."""

from social_sandbox.envs.messages import Message

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
