"""Conversations in TRL's standard (a text) and conversational (a list of messages) format.

Messages have `role` and `content`, or `from` and `value` as ShareGPT has them. The rules by which a
prompt is found are those of TRL's `maybe_extract_prompt` and `maybe_convert_to_chatml`, which are
not called because the data stage does not need TRL, an optional package.
https://huggingface.co/docs/trl/dataset_formats
"""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.rules.turns import RATING_SCALES
from social_sandbox.envs.text.messages import Conversation, Message, Role

from .dialogue import HUMAN

_ROLES: Mapping[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "human": "user",
    "prompter": "user",
    "assistant": "assistant",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "bot": "assistant",
    "model": "assistant",
}
_TOOLS = ("tool", "function", "function_call", "observation", "ipython")


class LeftOut(Exception):
    """A row that cannot be trained on; the message is the reason under which it is counted."""


def read_messages(place: str, field: str, value: Any) -> Conversation:
    """Return the messages of a list, or the user's message for a text.

    Raises:
        UserError: The value is neither; names place and field.
        LeftOut: The messages call tools or show images.
    """
    if isinstance(value, str):
        if value.startswith(HUMAN):
            raise UserError(f"{place}: {field}: is a Human/Assistant dialogue, of kind hh")
        return (Message("user", value),) if value.strip() else ()
    if isinstance(value, Mapping):
        value = [value]
    if not isinstance(value, list | tuple):
        raise UserError(f"{place}: {field}: must be a text or a list of messages")
    messages = [_message(f"{place}: {field}", i, each) for i, each in enumerate(value)]
    # Data sets write an empty system message where there is none.
    return tuple(each for each in messages if each.role != "system" or each.content.strip())


def with_system(row: Mapping[str, Any], messages: Conversation) -> Conversation:
    """Return messages behind the text in the row's field `system`, unless they have their own."""
    system = row.get("system")
    if isinstance(system, str) and system.strip() and messages[:1] and messages[0].role != "system":
        return (Message("system", system), *messages)
    return messages


def read_exchange(
    place: str, row: Mapping[str, Any], fields: Sequence[str]
) -> tuple[Conversation, list[str]]:
    """Return the prompt of a row and the replies to it.

    The prompt is the field `prompt`, or the beginning that the lists of messages in `fields` share,
    or both. A text in `prompt` beside whole conversations repeats what they say (UltraFeedback).

    Args:
        place: The row in words.
        row: The row.
        fields: Names of the fields that hold replies, as texts or lists of messages.

    Raises:
        UserError: A field is missing or holds something else; names place and field.
        LeftOut: A reply is empty, or the conversations differ before the last reply.
    """
    for field in fields:
        if field not in row:
            raise UserError(f"{place}: needs {field}")
        if row[field] is None or row[field] == []:
            raise LeftOut("blank reply")
    if any(not isinstance(row[field], str | list | tuple | Mapping) for field in fields):
        raise UserError(f"{place}: {' and '.join(fields)}: must be lists of messages, or texts")
    said = [_reply(place, field, row[field]) for field in fields]
    whole = all(messages and messages[0].role != "assistant" for messages in said)
    prompt = _prompt(place, row, whole)
    length = len(prompt)
    if all(len(messages) > length and messages[:length] == prompt for messages in said):
        said = [messages[length:] for messages in said]
    for field, messages in zip(fields, said, strict=True):
        roles = [message.role for message in messages]
        if not whole and (roles[-1:] != ["assistant"] or ("assistant",) * 2 in pairwise(roles)):
            raise UserError(f"{place}: {field}: must be one message of the assistant")
        if roles[-1:] != ["assistant"]:
            raise LeftOut("the last message is not the assistant's")
    before, *others = [messages[:-1] for messages in said]
    if any(other != before for other in others):
        raise LeftOut("dialogues differ before the last reply")
    return with_system(row, (*prompt, *before)), [messages[-1].content for messages in said]


def _prompt(place: str, row: Mapping[str, Any], whole: bool) -> Conversation:
    """Return the messages before those in the replies, of which `whole` ones have their prompt."""
    prompt = row.get("prompt")
    if whole and (isinstance(prompt, str) or prompt is None):
        return ()
    if prompt is not None:
        return read_messages(place, "prompt", prompt)
    for field in ("conversations", "messages"):
        if row.get(field) is not None:
            return read_messages(place, field, row[field])
    if "prompt" in row:
        raise LeftOut("blank prompt")
    raise UserError(f"{place}: needs prompt (whole Human/Assistant dialogues are of kind hh)")


def _reply(place: str, field: str, value: Any) -> Conversation:
    if isinstance(value, str):
        return (Message("assistant", value),)
    return read_messages(place, field, value)


def _message(place: str, number: int, value: Any) -> Message:
    place = f"{place}.{number}"
    if not isinstance(value, Mapping):
        raise UserError(f"{place}: must be a message with role and content")
    role, content = value.get("role", value.get("from")), value.get("content", value.get("value"))
    if (role in _TOOLS and number > 0) or value.get("tool_calls") or value.get("function_call"):
        raise LeftOut("messages call tools")
    if role not in _ROLES:
        raise UserError(f"{place}.role: must be system, user or assistant")
    return Message(_ROLES[role], _content(f"{place}.content", content))


def _content(place: str, value: Any) -> str:
    """Return the text of a message, which may be in parts as multimodal data sets have them."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if not isinstance(value, list | tuple):
        raise UserError(f"{place}: must be a text")
    texts = []
    for part in value:
        if isinstance(part, Mapping) and part.get("type", "text") != "text":
            raise LeftOut("messages show images or other media")
        text = part.get("text") if isinstance(part, Mapping) else part
        if not isinstance(text, str):
            raise UserError(f"{place}: must be a text, or a list of parts with text")
        texts.append(text)
    return "".join(texts)


def read_score(place: str, row: Mapping[str, Any], field: str) -> float | None:
    """Return a number of a row, or None where the row has none: null or a blank text.

    Raises:
        UserError: The value is no number; names place and field.
    """
    value = row.get(field)
    if isinstance(value, str):
        if not value.strip():
            return None
        try:
            value = float(value)
        except ValueError:
            raise UserError(f"{place}: {field}: must be a number") from None
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    raise UserError(f"{place}: {field}: must be a number")


def read_flag(place: str, row: Mapping[str, Any], field: str) -> bool | None:
    """Return a truth value of a row, also written as 1 and 0 or as a text; None where it has none.

    Raises:
        UserError: The value is neither true nor false; names place and field.
    """
    value = row.get(field)
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    value = value.strip().lower() if isinstance(value, str) else value
    flag = _FLAGS.get(value) if isinstance(value, str | bool | int | float) else None
    if flag is None:
        raise UserError(f"{place}: {field}: must be true or false")
    return flag


# True and 1 and 1.0 are one key, as are False and 0 and 0.0.
_FLAGS = {True: True, False: False, "true": True, "false": False} | {
    text: text.startswith("1") for text in ("1", "0", "1.0", "0.0")
}


def read_scale(place: str, row: Mapping[str, Any], default: int) -> int:
    """Return the upper end of a row's ratings.

    Raises:
        UserError: The value is no rating scale; names the place.
    """
    value = row.get("rating_scale")
    if value is None:
        return default
    for scale in RATING_SCALES:
        if value in (scale, str(scale)):
            return scale
    raise UserError(f"{place}: rating_scale: must be one of {', '.join(map(str, RATING_SCALES))}")


def as_text(prompt: Sequence[Message]) -> str:
    """Return a conversation as one text, in which several messages have their speakers."""
    if len(prompt) == 1:
        return prompt[0].content
    return "\n\n".join(f"{message.role.title()}: {message.content}" for message in prompt)
