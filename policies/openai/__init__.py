"""Policies and embedders behind an OpenAI-compatible API."""

from .config import ApiConfig
from .embedder import OpenAIEmbedder
from .policy import OpenAIPolicy

__all__ = ["ApiConfig", "OpenAIEmbedder", "OpenAIPolicy"]
