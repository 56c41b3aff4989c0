"""Version 0 of the sandbox, in a module named as PettingZoo's convention has it."""

from .sandbox import env, parallel_env, raw_env

__all__ = ["env", "parallel_env", "raw_env"]
