"""Multiple choice for models that give no likelihoods: the letter that they write."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from string import ascii_uppercase
from typing import Any

from jinja2 import Template

from social_sandbox.envs.rules.turns import Turn, Utterance
from social_sandbox.envs.text.thoughts import without_thoughts
from social_sandbox.policies.openai.letter_logprobs import ChoosesLetters
from social_sandbox.policies.policy import Policy, answer_all

from .by_answer import CHUNK, answer_details, ask, turns_to_answer
from .by_likelihood import shown_fields
from .items import Item, ItemResult, Query
from .registry import Benchmark

_NAMED = re.compile(
    r"""
    (?: \b(?:answer|choice|option|letter)\ [*_`'"(\[]*(?P<named>(?-i:[A-Z]))
      | \b(?:answer|choice|option|letter|continuation|it|choose|pick|select|prefer|go\ with)
        (?:'s|\ (?:is|was|would\ be|should\ be|must\ be))? [\s:=*_`'"(\[]+
        (?: (?P<clear>(?-i:[B-HJ-Z])) | (?P<word>(?-i:[AI])) (?!\ [a-z])
          | (?P<end>[A-Z]) (?=\W*$)
          | (?P<why>(?-i:[AI])) (?=\ (?:because|since|as|is)\b) ) )
    (?![\w']) (?!\ is\ (?:not|wrong|incorrect|worse)\b)
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""An answer that names its letter after words such as "the answer is".

A and I count only where they are no words of a sentence; in "option A" they never are.
"""
_FIRST = re.compile(
    r"""
    ^\W*
    (?: ([A-Z]) (?= \W*$ | \*{0,2}[).:\]] )
      | ([B-HJ-Z]) (?![\w'])
      | ((?-i:A)) (?= ,|\ ?[-\u2013\u2014]|\ because\b|\ since\b )
      | ((?-i:[AI])) (?=\ is\ ) )
    (?!\ is\ (?:not|wrong|incorrect|worse)\b)
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""An answer that begins with its letter."""


def choose_letters(
    benchmark: Benchmark, items: Sequence[Item], policy: Policy, seed: int
) -> Iterator[ItemResult]:
    """Yield a policy's choices by letter, item by item as they come.

    A letter gives the scores `acc` and `mc1` alone. The letter is the likeliest one where the
    policy tells the log-probabilities of letters and writes a letter first, else the letter that
    the policy writes; `way` in the details says which. An answer without a letter is wrong.
    """
    assert benchmark.task is not None
    template = Template(str(benchmark.task["doc_to_text"]))
    for start in range(0, len(items), CHUNK):
        chunk = items[start : start + CHUNK]
        choices = [_choices(benchmark, item) for item in chunk]
        questions = [
            _question(template.render(**shown_fields(item)), texts)
            for item, texts in zip(chunk, choices, strict=True)
        ]
        turns = turns_to_answer([Query(question) for question in questions], seed)
        logprobs: dict[str, dict[str, float]] = {}
        chooser: Policy = policy
        if isinstance(policy, ChoosesLetters):
            n = {turn.id: len(texts) for turn, texts in zip(turns, choices, strict=True)}
            chooser = _LetterPolicy(policy, n, logprobs, policy.name, policy.max_concurrency)
        answers = ask(chooser, turns)
        for item, texts, turn, answer in zip(chunk, choices, turns, answers, strict=True):
            metric = "mc1" if "mc1" in item.meta else "acc"
            details = answer_details(Query(turn.question), answer)
            scores: dict[str, float] = {}
            if "error" not in details:
                chosen, way = _choice(answer.text, logprobs.get(turn.id, {}), len(texts))
                scores = {metric: float(chosen is not None and chosen == _right_choice(item))}
                details |= way | {"chance": {metric: 1 / len(texts)}}
            if "category" in item.meta:
                details["category"] = item.meta["category"]
            yield ItemResult(benchmark.name, item.id, "choice", item.group, scores, details)


@dataclass(frozen=True, slots=True)
class _LetterPolicy:
    """A policy that is asked for a letter and whose log-probabilities of letters are kept.

    Attributes:
        policy: Policy that is asked.
        n: Number of letters, by turn.
        logprobs: Log-probabilities of letters, by turn; filled as answers come.
        name: Name of the policy.
        max_concurrency: Most requests at a time.
    """

    policy: ChoosesLetters
    n: Mapping[str, int]
    logprobs: dict[str, dict[str, float]]
    name: str
    max_concurrency: int

    def act(self, turns: Sequence[Turn]) -> list[Utterance]:
        return answer_all(self, turns)

    async def answer(self, turn: Turn) -> Utterance:
        answer, self.logprobs[turn.id] = await self.policy.choose(turn, self.n[turn.id])
        return answer


def _choice(
    answer: str, logprobs: Mapping[str, float], n: int
) -> tuple[int | None, dict[str, Any]]:
    """Return the index of the choice, and the details that say how the choice is known."""
    written = chosen_letter(answer, n)
    letter = None if written is None else ascii_uppercase[written]
    # The first token is not always the letter: a sentence may begin with the word A.
    if letter is None or not logprobs or not re.match(rf"\W*{letter}(?!\w)", answer):
        return written, {"way": "letter", "letter": letter}
    likeliest = max(logprobs, key=lambda name: logprobs[name])
    rounded = {name: round(value, 4) for name, value in logprobs.items()}
    way = {"way": "logprobs", "letter": likeliest, "letter_logprobs": rounded}
    return ascii_uppercase.index(likeliest), way


def chosen_letter(answer: str, n: int) -> int | None:
    """Return which of `n` choices an answer names, from 0, or None where it names none.

    An answer begins with its letter, or names the letter after words such as "the answer is". A
    sentence that begins with the word A or I does not name a choice by that word.
    """
    plain = without_thoughts(answer).strip().replace("\u2019", "'")
    match = _FIRST.search(plain) or _NAMED.search(plain)
    if match is None:
        return None
    letter = next(group for group in match.groups() if group)
    index = ascii_uppercase.index(letter.upper())
    return index if index < n else None


def _choices(benchmark: Benchmark, item: Item) -> Sequence[str]:
    names = (benchmark.task or {})["doc_to_choice"]
    texts = item.choices if names == "choices" else [str(name) for name in names]
    return [texts[place] for place in item.meta["mc1"]] if "mc1" in item.meta else texts


def _right_choice(item: Item) -> int:
    if "mc1" in item.meta:
        return int(list(item.meta["mc1"]).index(item.meta["best"]))
    return item.labels.index(1)


def _question(text: str, choices: Sequence[str]) -> str:
    listed = "\n".join(
        f"{letter}. {choice}" for letter, choice in zip(ascii_uppercase, choices, strict=False)
    )
    return f"{text}\n\n{listed}\n\nWhich is the best continuation? Answer with its letter alone."
