"""The former module of `OpenAIPolicy`: recipes and recorded settings still name it."""

from .openai import OpenAIPolicy

__all__ = ["OpenAIPolicy"]
