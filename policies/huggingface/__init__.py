"""Policies that are local language models of Hugging Face."""

from .chat_template import render_messages, use_template
from .engine import Engine, Generation
from .policy import HuggingFacePolicy
from .shared_model import best_dtype, load
from .smollm2 import model_name, resolve_model

__all__ = [
    "Engine",
    "Generation",
    "HuggingFacePolicy",
    "best_dtype",
    "load",
    "model_name",
    "render_messages",
    "resolve_model",
    "use_template",
]
