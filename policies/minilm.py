"""The former module of `MiniLMEmbedder`: recipes and recorded settings still name it."""

from .value_model import MiniLMEmbedder

__all__ = ["MiniLMEmbedder"]
