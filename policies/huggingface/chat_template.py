"""A conversation as the text that a model was trained to continue."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import TemplateError

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.jsonl import read_text
from social_sandbox.envs.messages import Message, to_dicts

_EXAMPLE = Message("user", "a question")


def use_template(tokenizer: Any, path: Path) -> None:
    """Replace a tokenizer's chat template by the template in a Jinja file.

    Raises:
        UserError: The file cannot be read, is no template, or leaves out the messages.
    """
    tokenizer.chat_template = read_text(path, "chat_template")
    try:
        rendered = _apply_template(tokenizer, [_EXAMPLE])
    except TemplateError as error:
        line = getattr(error, "lineno", None)
        place = f", line {line}" if line else ""
        raise UserError(f"chat_template: {path}{place}: {error.message}") from error
    if _EXAMPLE.content not in rendered:
        raise UserError(f"chat_template: {path} leaves out what the messages say")


def render_messages(tokenizer: Any, messages: Sequence[Message]) -> str:
    """Return a conversation as text, up to the place where the assistant speaks next.

    A tokenizer without a chat template gets `### Role` headings. A template that knows no system
    role gets the system message at the head of the next message.

    Raises:
        UserError: The template refuses the conversation, as some do when roles do not alternate.
    """
    if tokenizer.chat_template:
        try:
            return _apply_template(tokenizer, messages)
        except TemplateError:
            # Some templates (Gemma's) know no system role.
            try:
                return _apply_template(tokenizer, _without_system(messages))
            except TemplateError as error:
                roles = ", ".join(message.role for message in messages)
                raise UserError(
                    f"chat_template: it refuses a conversation of {roles}: {error.message}"
                ) from error
    paragraphs = "".join(f"### {m.role.title()}\n{m.content}\n\n" for m in messages)
    return f"{paragraphs}### Assistant\n"


def _apply_template(tokenizer: Any, messages: Sequence[Message]) -> str:
    dicts = to_dicts(messages)
    return str(tokenizer.apply_chat_template(dicts, tokenize=False, add_generation_prompt=True))


def _without_system(messages: Sequence[Message]) -> Sequence[Message]:
    """Return the conversation with its system message at the head of the next message."""
    if len(messages) < 2 or messages[0].role != "system":
        return messages
    system, following, *rest = messages
    return [Message(following.role, f"{system.content}\n\n{following.content}"), *rest]
