"""What policies are asked, and how the ratings that they write are read."""

from .prompts import (
    Prompt,
    answer_messages,
    prompt_for,
    rating_messages,
    revision_messages,
)
from .ratings import Verdict, format_verdict, parse_verdict
from .sentences import whole_sentences

__all__ = [
    "Prompt",
    "Verdict",
    "answer_messages",
    "format_verdict",
    "parse_verdict",
    "prompt_for",
    "rating_messages",
    "revision_messages",
    "whole_sentences",
]
