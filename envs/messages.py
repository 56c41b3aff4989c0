"""Messages of a conversation, as chat models read and write them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation: who speaks, and the text."""

    role: Role
    content: str


Conversation = tuple[Message, ...]
"""Messages in the order in which they were said."""


def to_dicts(messages: Iterable[Message]) -> list[dict[str, str]]:
    """Return messages as the dictionaries that chat templates and chat APIs expect."""
    return [{"role": message.role, "content": message.content} for message in messages]
