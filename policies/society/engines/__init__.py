"""Who plays the worlds of a simulation: this process, processes beside it, or a cluster."""

from .config import EngineConfig
from .drive import simulate_worlds
from .merge import merge_shards
from .worker import Society

__all__ = ["EngineConfig", "Society", "merge_shards", "simulate_worlds"]
