"""A conversation as the text, and as the token ids, that a model was trained to continue."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, product
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from jinja2 import TemplateError

from social_sandbox.envs.errors import UserError, first_words
from social_sandbox.envs.text.jsonl import read_text
from social_sandbox.envs.text.messages import Message, Role, to_dicts
from social_sandbox.envs.text.thoughts import closed

from ...prompts.control_tokens import CONTROL_TOKEN
from .control_tokens import control_tokens, seal, sealed_ids, shown, text_ids, unmarked

_EXAMPLE = Message("user", "a question")
_USUAL: tuple[tuple[Role, ...], ...] = (
    ("user",),
    ("system", "user"),
    ("user", "assistant", "user"),
)
"""The roles of the conversations of a society."""
_LABEL = re.compile(r"#{1,6} \S.*|[^\s:][^:\n]{0,30}:")


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


def check_template(tokenizer: Any) -> None:
    """Raise UserError for a template that cannot render the conversations of a society."""
    for roles in _USUAL:
        _arrangement(tokenizer, roles)
    long = Message("user", "quokka " * 5000 + "wombat")
    if "wombat" not in _render(tokenizer, [long]).lower():
        raise _error(tokenizer, ["user"], "it cuts a long message short")


def render_messages(tokenizer: Any, messages: Sequence[Message]) -> str:
    """Return a conversation as text, up to the place where the assistant speaks next.

    A tokenizer without a chat template gets `### Role` headings. Where a template refuses, drops,
    joins or reorders messages, the conversation is arranged for it: system messages go to the head
    of the user's next message, successive messages of one role become one, and an empty question
    precedes a conversation that begins with an answer.

    A blank breaks what messages spell like a control token of the tokenizer: `< |im_end|>`. The
    text of an ordinary conversation is that of `apply_chat_template`.

    Raises:
        UserError: The template refuses or drops a message in every arrangement.
    """
    return shown(sealed_messages(tokenizer, messages))


def sealed_messages(tokenizer: Any, messages: Sequence[Message]) -> str:
    """Return a conversation as sealed text for `control_tokens.sealed_ids`.

    See `render_messages`; what messages spell like a control token is marked, and not changed.
    """
    frame = _arrangement(tokenizer, tuple(message.role for message in messages))
    sealed = [Message(m.role, frame.seal(tokenizer, m.content)) for m in messages]
    return _render(tokenizer, frame.arrange(sealed))


def prompt_ids(tokenizer: Any, messages: Sequence[Message], answer: str | None = None) -> list[int]:
    """Return the token ids of a conversation, up to the place where the assistant speaks next.

    They begin with the model's BOS where its template writes it, or where there is no template and
    the tokenizer begins texts with it.

    Args:
        tokenizer: The model's tokenizer.
        messages: The conversation.
        answer: The beginning of the answer, which may be empty: a thought that the template opens
            is closed before. None: the model may think first.

    Raises:
        UserError: See `render_messages`.
    """
    text = sealed_messages(tokenizer, messages)
    if answer is not None:
        text = closed(text) + answer
    begins = () if tokenizer.chat_template else control_tokens(tokenizer).begins
    return [*begins, *sealed_ids(tokenizer, text)]


def reply_ids(tokenizer: Any, text: str) -> list[int]:
    """Return the token ids of a reply, or of a part of it, in which nothing ends a turn."""
    return text_ids(tokenizer, _arrangement(tokenizer, ("user",)).defuse_labels(text))


@dataclass(frozen=True, slots=True)
class Arrangement:
    """How the conversations of some roles are put to a template.

    Attributes:
        fold: Whether system messages go to the head of the user's next message.
        join: Whether successive messages of one role become one.
        lead: Whether an empty message of the user precedes an answer that comes first.
        labels: Matches the plain text by which the template tells who speaks, such as
            `### Assistant`; None if it does so by control tokens alone.
    """

    fold: bool = False
    join: bool = False
    lead: bool = False
    labels: re.Pattern[str] | None = None

    def arrange(self, messages: Sequence[Message]) -> list[Message]:
        """Return the messages as the template takes them."""
        if not (self.fold or self.join or self.lead):
            return list(messages)
        arranged: list[Message] = []
        system = ""
        for message in messages:
            said = any(other.role != "system" for other in arranged)
            if self.lead and not said and not system and message.role == "assistant":
                arranged.append(Message("user", ""))
            if self.fold and message.role == "system":
                system += f"{message.content}\n\n"
                continue
            if system and message.role != "user":
                arranged.append(Message("user", system.removesuffix("\n\n")))
            else:
                message = replace(message, content=system + message.content)
            system = ""
            arranged.append(message)
        if system:
            arranged.append(Message("user", system.removesuffix("\n\n")))
        return list(_joined(arranged)) if self.join else arranged

    def seal(self, tokenizer: Any, text: str) -> str:
        """Return a message's text, in which nothing acts as a part of the frame around it."""
        return seal(tokenizer, self.defuse_labels(text))

    def defuse_labels(self, text: str) -> str:
        """Return a text whose labels are broken by a blank: `# ## Assistant`, `USER :`."""
        return self.labels.sub(_broken, unmarked(text)) if self.labels else text


_arrangements: "WeakKeyDictionary[Any, dict[object, Arrangement]]" = WeakKeyDictionary()


def _arrangement(tokenizer: Any, roles: tuple[Role, ...]) -> Arrangement:
    """Return the first arrangement in which a template renders all messages, in their order.

    Raises:
        UserError: There is none.
    """
    known = _arrangements.setdefault(tokenizer, {})
    # A tokenizer may have several templates, in a dictionary.
    state = (str(tokenizer.chat_template), tokenizer.bos_token, tokenizer.eos_token, roles)
    if state not in known:
        known[state] = replace(_find_arrangement(tokenizer, roles), labels=_labels(tokenizer))
    return known[state]


def _find_arrangement(tokenizer: Any, roles: Sequence[Role]) -> Arrangement:
    marked = _marked(roles)
    first_problem = ""
    joining: Arrangement | None = None
    for lead, fold, join in product((False, True), repeat=3):
        arrangement = Arrangement(fold, join, lead)
        try:
            text = _render(tokenizer, arrangement.arrange(marked))
        except (TemplateError, TypeError, ValueError) as error:
            first_problem = first_problem or f"it refuses them: {first_words(error)}"
            continue
        # A template may write in capitals.
        text = text.lower()
        problem = _problem(text, marked)
        if not problem and not _joins(text, marked):
            return arrangement
        if not problem:
            joining = joining or arrangement
        first_problem = first_problem or problem
    if joining is not None:
        # The template writes nothing at all between speakers, but all that they say.
        return joining
    raise _error(tokenizer, roles, first_problem)


def _error(tokenizer: Any, roles: Sequence[Role], problem: str) -> UserError:
    name = getattr(tokenizer, "name_or_path", "") or "the tokenizer"
    return UserError(
        f"chat_template: the template of {name} cannot render messages of {', '.join(roles)}: "
        f"{problem}; give another template in chat_template"
    )


def _marked(roles: Sequence[Role]) -> list[Message]:
    return [Message(role, f"quokka{number}quokka") for number, role in enumerate(roles)]


def _problem(text: str, marked: Sequence[Message]) -> str:
    """Return what a rendering has done to its messages; nothing if all are in their places."""
    for number, message in enumerate(marked):
        if message.content not in text:
            return f"it drops message {number + 1} ({message.role})"
    places = [text.index(message.content) for message in marked]
    for number, (place, following) in enumerate(pairwise(places)):
        if following < place:
            return f"it puts message {number + 2} before message {number + 1}"
    return ""


def _joins(text: str, marked: Sequence[Message]) -> bool:
    """Return whether a rendering writes nothing between two messages."""
    return any(one.content + other.content in text for one, other in pairwise(marked))


def _labels(tokenizer: Any) -> re.Pattern[str] | None:
    """Return what matches the plain text by which a template tells who speaks."""
    pieces: list[str] = []
    for roles in _USUAL:
        marked = _marked(roles)
        try:
            arrangement = _find_arrangement(tokenizer, roles)
        except UserError:
            # Conversations of other roles may work; their labels are enough then.
            continue
        text = _render(tokenizer, arrangement.arrange(marked))
        first, *others = re.split(r"quokka\d+quokka", text, flags=re.IGNORECASE)
        # Before the first message stands what the template says of its own, and then the label.
        pieces += [first.strip().rpartition("\n")[2], *others]
    spelling = control_tokens(tokenizer).spelling
    parts = [part for piece in pieces for part in spelling.split(piece)]
    lines = [line.strip() for part in parts for line in part.splitlines()]
    labels = {match[0] for line in lines for match in CONTROL_TOKEN.finditer(line)}
    labels |= {line for line in lines if _LABEL.fullmatch(line)}
    # A label that begins with a letter is no end of a longer word.
    spelled = [
        rf"(?<!\w){re.escape(label)}" if label[0].isalnum() else re.escape(label)
        for label in sorted(labels, key=lambda label: (-len(label), label))
    ]
    return re.compile("|".join(spelled)) if spelled else None


def _broken(label: re.Match[str]) -> str:
    text = label[0]
    return f"{text[:-1]} :" if text.endswith(":") else f"{text[0]} {text[1:]}"


def _joined(messages: Sequence[Message]) -> Iterator[Message]:
    """Yield messages, of which successive ones of one role are one."""
    last: Message | None = None
    for message in messages:
        if last is not None and last.role == message.role:
            last = replace(last, content=f"{last.content}\n\n{message.content}")
            continue
        if last is not None:
            yield last
        last = message
    if last is not None:
        yield last


def _render(tokenizer: Any, messages: Sequence[Message]) -> str:
    if tokenizer.chat_template:
        return _apply_template(tokenizer, messages)
    paragraphs = "".join(f"### {m.role.title()}\n{m.content}\n\n" for m in messages)
    return f"{paragraphs}### Assistant\n"


def _apply_template(tokenizer: Any, messages: Sequence[Message]) -> str:
    dicts = to_dicts(messages)
    return str(tokenizer.apply_chat_template(dicts, tokenize=False, add_generation_prompt=True))
