"""Policies and embedders behind an OpenAI-compatible API."""

from .embedder import OpenAIEmbedder
from .policy import OpenAIPolicy

__all__ = ["OpenAIEmbedder", "OpenAIPolicy"]
