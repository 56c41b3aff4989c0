"""A conversation as the text that a model was trained to continue."""

from pathlib import Path
from typing import Any

from jinja2 import TemplateError

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.jsonl import read_text

from ..prompts.prompts import Messages

_EXAMPLE = [{"role": "user", "content": "a question"}]


def use_template(tokenizer: Any, path: Path) -> None:
    """Give a tokenizer the chat template of a Jinja file, instead of its own.

    Raises UserError naming the file where it is no template, or says nothing of the conversation.
    """
    tokenizer.chat_template = read_text(path, "chat_template")
    try:
        rendered = _templated(tokenizer, _EXAMPLE)
    except TemplateError as error:
        line = getattr(error, "lineno", None)
        where = f", line {line}" if line else ""
        raise UserError(f"chat_template: {path}{where}: {error.message}") from error
    if _EXAMPLE[0]["content"] not in rendered:
        raise UserError(f"chat_template: {path} leaves out what the messages say")


def render_messages(tokenizer: Any, messages: Messages) -> str:
    """A conversation as text, up to where the assistant speaks next.

    Tokenizers without a chat template get `### role` headings. Raises UserError where the template
    refuses the conversation, as some do when roles do not alternate.
    """
    if tokenizer.chat_template:
        try:
            return _templated(tokenizer, messages)
        except TemplateError:
            # Some templates (Gemma's) know no system role.
            try:
                return _templated(tokenizer, _without_system(messages))
            except TemplateError as error:
                roles = ", ".join(message["role"] for message in messages)
                raise UserError(
                    f"chat_template: it refuses a conversation of {roles}: {error.message}"
                ) from error
    said = "".join(f"### {m['role'].title()}\n{m['content']}\n\n" for m in messages)
    return f"{said}### Assistant\n"


def _templated(tokenizer: Any, messages: Messages) -> str:
    return str(tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))


def _without_system(messages: Messages) -> Messages:
    """What the system message says, said at the head of the message after it."""
    if len(messages) < 2 or messages[0]["role"] != "system":
        return messages
    first = messages[1] | {"content": f"{messages[0]['content']}\n\n{messages[1]['content']}"}
    return [first, *messages[2:]]
