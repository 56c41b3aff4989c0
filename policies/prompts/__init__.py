"""The prompts of policies, and the parser of the ratings that models write."""

from .prompts import (
    FORM,
    PREFILL,
    Prompt,
    answer_messages,
    in_conversation,
    prompt_for,
    rating_messages,
    revision_messages,
)
from .ratings import Verdict, format_verdict, parse_verdict
from .sentences import whole_sentences

__all__ = [
    "FORM",
    "PREFILL",
    "Prompt",
    "Verdict",
    "answer_messages",
    "format_verdict",
    "in_conversation",
    "parse_verdict",
    "prompt_for",
    "rating_messages",
    "revision_messages",
    "whole_sentences",
]
