"""The embedded observer, which reads ratings from sentence embeddings, and its encoder."""

from .minilm import MiniLMEmbedder
from .policy import ValueHead, ValueModelPolicy, load_head, save_head

__all__ = ["MiniLMEmbedder", "ValueHead", "ValueModelPolicy", "load_head", "save_head"]
