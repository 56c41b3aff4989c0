"""Messages of a conversation, as chat models read and write them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from .texts import valid
from .thoughts import without_thoughts

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation: who speaks, and the text.

    An assistant's message loses the thoughts of a reasoning model: they are no part of what was
    said.
    """

    role: Role
    content: str

    def __post_init__(self) -> None:
        """Make the text valid Unicode and take thoughts away."""
        content = valid(self.content)
        if self.role == "assistant":
            content = without_thoughts(content)
        object.__setattr__(self, "content", content)


Conversation = tuple[Message, ...]
"""Messages in the order in which they were said."""


def to_dicts(messages: Iterable[Message]) -> list[dict[str, str]]:
    """Return messages as the dictionaries that chat templates and chat APIs expect."""
    return [{"role": message.role, "content": message.content} for message in messages]
