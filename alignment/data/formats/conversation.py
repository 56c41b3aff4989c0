"""Conversations in TRL's standard (a text) and conversational (a list of messages) format."""

import math
from collections.abc import Sequence
from typing import Any

from pydantic import TypeAdapter, ValidationError

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.jsonl import first_problem
from social_sandbox.envs.messages import Conversation, Message
from social_sandbox.envs.turns import RATING_SCALES

from .dialogue import HUMAN

_messages: TypeAdapter[Conversation] = TypeAdapter(Conversation)


def read_messages(place: str, field: str, value: Any) -> Conversation:
    """Return the messages of a list, or the user's message for a text.

    Raises:
        UserError: The value is neither; names place and field.
    """
    if isinstance(value, str):
        if value.startswith(HUMAN):
            raise UserError(f"{place}: {field}: is a Human/Assistant dialogue, of kind hh")
        return (Message("user", value),) if value.strip() else ()
    if not isinstance(value, list | tuple):
        raise UserError(f"{place}: {field}: must be a text or a list of messages")
    try:
        return _messages.validate_python(value)
    except ValidationError as error:
        raise UserError(f"{place}: {field}.{first_problem(error)}") from error


def read_reply(place: str, field: str, value: Any) -> str:
    """Return the text of a reply, which is a text or a list with one message of the assistant.

    Raises:
        UserError: The value is neither; names place and field.
    """
    if isinstance(value, str):
        return value
    messages = read_messages(place, field, value)
    if len(messages) != 1 or messages[0].role != "assistant":
        raise UserError(f"{place}: {field}: must be one message of the assistant")
    return messages[0].content


def read_score(place: str, row: dict[str, Any], field: str) -> float | None:
    """Return a number of a row, or None where the row has none.

    Raises:
        UserError: The value is no number; names place and field.
    """
    value = row.get(field)
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    raise UserError(f"{place}: {field}: must be a number")


def read_scale(place: str, row: dict[str, Any], default: int) -> int:
    """Return the upper end of a row's ratings.

    Raises:
        UserError: The value is no rating scale; names the place.
    """
    value = row.get("rating_scale")
    if value is None:
        return default
    if value not in RATING_SCALES:
        listed = ", ".join(map(str, RATING_SCALES))
        raise UserError(f"{place}: rating_scale: must be one of {listed}")
    return int(value)


def as_text(prompt: Sequence[Message]) -> str:
    """Return a conversation as one text, in which several messages have their speakers."""
    if len(prompt) == 1:
        return prompt[0].content
    return "\n\n".join(f"{message.role.title()}: {message.content}" for message in prompt)
