"""Policies that are local models of Hugging Face."""

from .policy import HuggingFacePolicy

__all__ = ["HuggingFacePolicy"]
