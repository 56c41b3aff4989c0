"""The observer that reads ratings from sentence embeddings."""

from .minilm import MiniLMEmbedder
from .policy import ValueModelPolicy

__all__ = ["MiniLMEmbedder", "ValueModelPolicy"]
