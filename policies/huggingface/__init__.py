"""Policies that are local language models of Hugging Face."""

from typing import TYPE_CHECKING

from social_sandbox.envs.lazy import on_use

if TYPE_CHECKING:
    from .engine import Engine as Engine
    from .engine import Generation as Generation
    from .in_memory import InMemoryPolicy as InMemoryPolicy
    from .policy import HuggingFacePolicy as HuggingFacePolicy
    from .shared_model import best_dtype as best_dtype
    from .shared_model import load as load
    from .smollm2 import model_name as model_name
    from .smollm2 import resolve_model as resolve_model
    from .text.chat_template import prompt_ids as prompt_ids
    from .text.chat_template import render_messages as render_messages
    from .text.chat_template import reply_ids as reply_ids
    from .text.chat_template import use_template as use_template

_PLACES = {
    "Engine": "engine",
    "Generation": "engine",
    "HuggingFacePolicy": "policy",
    "InMemoryPolicy": "in_memory",
    "best_dtype": "shared_model",
    "load": "shared_model",
    "model_name": "smollm2",
    "prompt_ids": "text.chat_template",
    "reply_ids": "text.chat_template",
    "render_messages": "text.chat_template",
    "resolve_model": "smollm2",
    "use_template": "text.chat_template",
}
__all__ = list(_PLACES)
__getattr__ = on_use(__name__, _PLACES)
