"""What TRL calls standard (a text) and conversational (a list of messages), read and written."""

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
    """The messages of a list, or the user's one message of a text.

    Raises UserError naming place and field.
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
    """The text of a reply: a text, or a list with one message of the assistant.

    Raises UserError naming place and field.
    """
    if isinstance(value, str):
        return value
    said = read_messages(place, field, value)
    if len(said) != 1 or said[0].role != "assistant":
        raise UserError(f"{place}: {field}: must be one message of the assistant")
    return said[0].content


def read_score(place: str, row: dict[str, Any], field: str) -> float | None:
    """A number of a row, null where there is none. Raises UserError naming place and field."""
    value = row.get(field)
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    raise UserError(f"{place}: {field}: must be a number")


def read_scale(place: str, row: dict[str, Any], default: int) -> int:
    """The upper end of a row's ratings. Raises UserError naming the place."""
    value = row.get("rating_scale")
    if value is None:
        return default
    if value not in RATING_SCALES:
        listed = ", ".join(map(str, RATING_SCALES))
        raise UserError(f"{place}: rating_scale: must be one of {listed}")
    return int(value)


def as_text(prompt: Sequence[Message]) -> str:
    """A conversation as one text: a single message as it is, several with their speakers."""
    if len(prompt) == 1:
        return prompt[0].content
    return "\n\n".join(f"{message.role.title()}: {message.content}" for message in prompt)
