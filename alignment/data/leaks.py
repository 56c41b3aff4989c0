"""The leak guard: questions held out for evaluation may not be in the training data."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.rules.memory import SIMILARITIES, Embedder, Vectors
from social_sandbox.envs.text.messages import Message
from social_sandbox.envs.text.texts import count_words, words

from .groups import RatedGroup

_FEWEST_WORDS = 4
"""A question of fewer words is a leak only where it is a whole text."""
_LENGTHS = 3.0
"""A text this many times longer than the longest question is no near-duplicate."""


_REMEMBERED = 100_000
"""Texts that are remembered, so that repeated ones are searched once."""


@dataclass(frozen=True, slots=True)
class Leak:
    """A held-out question and the text of the training data that is nearest to it.

    Attributes:
        held_out: The question.
        text: The text.
        distance: Cosine distance of their embeddings; 0 where the text contains the question word
            for word.
        group: Id of the text's group.
    """

    held_out: str
    text: str
    distance: float
    group: str


def check_leaks(
    groups: Sequence[RatedGroup],
    held_out: Sequence[str],
    embedder: Embedder,
    threshold: float,
    source: str,
) -> Leak | None:
    """Return the text that is nearest to a held-out question; None where no text can be compared.

    A question is searched word for word (apart from case and punctuation) in all texts, and as a
    near-duplicate in the user's messages and in their lines.

    Args:
        groups: Training data.
        held_out: Held-out questions.
        embedder: Embedder of questions and texts.
        threshold: Cosine distance below which a text is a near-duplicate.
        source: Name of the data, for error messages.

    Raises:
        UserError: A text contains a question, or is nearer to a question than `threshold`.
    """
    nearest = exact_leak(groups, held_out) or near_leak(groups, held_out, embedder)
    if nearest is None or (nearest.distance >= threshold and nearest.distance > 0):
        return nearest
    how = (
        "is in it word for word"
        if nearest.distance == 0
        else f"is a near-duplicate (distance {nearest.distance:.2f}) of one"
    )
    raise UserError(
        f"data.leak_guard: {source}: the held-out question {_quoted(nearest.held_out)} {how}: "
        f"{_quoted(nearest.text)} (group {nearest.group}); leave it out of one of the two, or "
        "data.leak_guard=false"
    )


def check_dialogues(
    groups: Iterable[RatedGroup], held_out: Iterable[Sequence[Message]], source: str
) -> None:
    """Check that no prompt of the data is a whole held-out dialogue, apart from case.

    Dialogues that are similar are no leaks: many end with a turn such as "Why?".

    Raises:
        UserError: A prompt is a held-out dialogue.
    """
    dialogues = {_turns(dialogue) for dialogue in held_out}
    for group in groups:
        if _turns(group.prompt) in dialogues:
            raise UserError(
                f"data.leak_guard: {source}: a dialogue of evaluate.pairs is in it: "
                f"{_quoted(group.prompt[-1].content)} (group {group.id}); leave it out of one of "
                "the two, or data.leak_guard=false"
            )


def _turns(dialogue: Sequence[Message]) -> tuple[tuple[str, ...], ...]:
    """Return the words of each turn, without a system message."""
    return tuple((m.role, *_words(m.content)) for m in dialogue if m.role != "system")


def exact_leak(groups: Iterable[RatedGroup], held_out: Sequence[str]) -> Leak | None:
    """Return the first text that contains a held-out question word for word."""
    by_start: dict[tuple[str, ...], list[tuple[list[str], str]]] = defaultdict(list)
    short = {}
    for question in held_out:
        words = _words(question)
        if len(words) < _FEWEST_WORDS:
            short[tuple(words)] = question
        else:
            by_start[tuple(words[:_FEWEST_WORDS])].append((words, question))
    checked: set[str] = set()
    for group in groups:
        for text in (*(m.content for m in group.prompt), *(c.text for c in group.candidates)):
            if text in checked:
                continue
            if len(checked) >= _REMEMBERED:
                checked.clear()
            checked.add(text)
            words = _words(text)
            if words and tuple(words) in short:
                return Leak(short[tuple(words)], text, 0.0, group.id)
            for at in range(len(words) - _FEWEST_WORDS + 1):
                for wanted, question in by_start.get(tuple(words[at : at + _FEWEST_WORDS]), ()):
                    if words[at : at + len(wanted)] == wanted:
                        return Leak(question, text, 0.0, group.id)
    return None


def near_leak(
    groups: Iterable[RatedGroup], held_out: Sequence[str], embedder: Embedder
) -> Leak | None:
    """Return the held-out question and the user's text that are nearest to each other."""
    longest = max((len(_words(question)) for question in held_out), default=0) * _LENGTHS
    if not held_out:
        return None
    size = max(1, SIMILARITIES // len(held_out))
    questions: Vectors | None = None
    best: Leak | None = None
    for group_of in _texts_of_users(groups, longest, size):
        if questions is None:
            questions = embedder.embed(list(held_out)).T
        part = list(group_of)
        similarity = embedder.embed(part) @ questions
        row, column = np.unravel_index(int(similarity.argmax()), similarity.shape)
        distance = max(1e-6, 1.0 - float(similarity[row, column]))
        if best is None or distance < best.distance:
            text = part[int(row)]
            best = Leak(held_out[int(column)], text, round(distance, 6), group_of[text])
    return best


def _texts_of_users(
    groups: Iterable[RatedGroup], longest: float, size: int
) -> Iterator[dict[str, str]]:
    """Yield up to `size` texts at a time, with the id of the first group that has them.

    A text may come again behind very many others.
    """
    part: dict[str, str] = {}
    seen: set[str] = set()
    for group in groups:
        for text in _user_texts(group):
            if text in seen or not 1 < count_words(text) <= longest:
                continue
            if len(seen) >= _REMEMBERED:
                seen.clear()
            seen.add(text)
            part.setdefault(text, group.id)
            if len(part) == size:
                yield part
                part = {}
    if part:
        yield part


def _user_texts(group: RatedGroup) -> Iterator[str]:
    """Yield the user's messages, and their lines without a label such as `Question:`."""
    for message in group.prompt:
        if message.role == "user":
            yield message.content.strip()
            lines = message.content.split("\n")
            if len(lines) > 1:
                yield from (re.sub(r"^\W*\w+:\s*", "", line).strip() for line in lines)


def _words(text: str) -> list[str]:
    return words(text.casefold().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'"))


def _quoted(text: str) -> str:
    """Return a text in quotation marks, on one line and shortened."""
    line = " ".join(text.split())
    return f'"{line if len(line) <= 160 else line[:157] + "..."}"'
