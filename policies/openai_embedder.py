"""The former module of `OpenAIEmbedder`: recipes and recorded settings still name it."""

from .openai import OpenAIEmbedder

__all__ = ["OpenAIEmbedder"]
