"""The former module of `ApiClient`: scripts still import from it."""

from .openai.client import ApiClient

__all__ = ["ApiClient"]
