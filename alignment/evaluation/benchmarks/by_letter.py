"""Multiple choice for models that give no likelihoods: the letter that they write."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from string import ascii_uppercase
from typing import Any

from jinja2 import Template

from social_sandbox.envs.turns import Turn, Utterance
from social_sandbox.policies.openai.letter_logprobs import ChoosesLetters
from social_sandbox.policies.policy import Policy, answer_all

from .by_answer import CHUNK, ask, details_of, turns_to_answer
from .by_likelihood import shown
from .items import Asked, Item, ItemResult
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
"""Of A and I, which are words, only what is not one; in "option A" they are none."""
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


def choose_letters(
    benchmark: Benchmark, items: Sequence[Item], policy: Policy, seed: int
) -> Iterator[ItemResult]:
    """What a policy chooses by letter, item by item, as results come.

    The scores `acc` and `mc1` alone follow from a letter. Which it is the log-probabilities of
    letters say where the policy tells them, else what is written (`way` in the details); an answer
    without a letter is wrong.
    """
    assert benchmark.task is not None
    template = Template(str(benchmark.task["doc_to_text"]))
    for start in range(0, len(items), CHUNK):
        chunk = items[start : start + CHUNK]
        choices = [_choices(benchmark, item) for item in chunk]
        questions = [
            _question(template.render(**shown(item)), texts)
            for item, texts in zip(chunk, choices, strict=True)
        ]
        turns = turns_to_answer([Asked(question) for question in questions], seed)
        told: dict[str, dict[str, float]] = {}
        asked: Policy = policy
        if isinstance(policy, ChoosesLetters):
            n = {turn.id: len(texts) for turn, texts in zip(turns, choices, strict=True)}
            asked = _Noted(policy, n, told, policy.name, policy.max_concurrency)
        answers = ask(asked, turns)
        for item, texts, turn, said in zip(chunk, choices, turns, answers, strict=True):
            metric = "mc1" if "mc1" in item.meta else "acc"
            details = details_of(Asked(turn.question), said)
            scores: dict[str, float] = {}
            if "error" not in details:
                at, way = _chosen(said.text, told.get(turn.id, {}), len(texts))
                scores = {metric: float(at is not None and at == _right(item))}
                details |= way | {"chance": {metric: 1 / len(texts)}}
            if "category" in item.meta:
                details["category"] = item.meta["category"]
            yield ItemResult(benchmark.name, item.id, "choice", item.group, scores, details)


@dataclass(frozen=True, slots=True)
class _Noted:
    """Asks a policy for letters, and notes by turn what it tells of their probabilities."""

    policy: ChoosesLetters
    n: Mapping[str, int]
    told: dict[str, dict[str, float]]
    name: str
    max_concurrency: int

    def act(self, turns: Sequence[Turn]) -> list[Utterance]:
        return answer_all(self, turns)

    async def answer(self, turn: Turn) -> Utterance:
        said, self.told[turn.id] = await self.policy.choose(turn, self.n[turn.id])
        return said


def _chosen(
    answer: str, logprobs: Mapping[str, float], n: int
) -> tuple[int | None, dict[str, Any]]:
    """Which choice is taken, and how that is known."""
    written = chosen_letter(answer, n)
    letter = None if written is None else ascii_uppercase[written]
    # What the first token was is not always the letter: a sentence may begin with A.
    if letter is None or not logprobs or not re.match(rf"\W*{letter}(?!\w)", answer):
        return written, {"way": "letter", "letter": letter}
    likeliest = max(logprobs, key=lambda name: logprobs[name])
    rounded = {name: round(value, 4) for name, value in logprobs.items()}
    way = {"way": "logprobs", "letter": likeliest, "letter_logprobs": rounded}
    return ascii_uppercase.index(likeliest), way


def chosen_letter(answer: str, n: int) -> int | None:
    """Which of n choices an answer names, from 0; None if none.

    An answer begins with its letter, or names it after words such as "the answer is". A sentence
    that begins with the words A or I names none by that.
    """
    plain = answer.strip().replace("\u2019", "'")
    found = _FIRST.search(plain) or _NAMED.search(plain)
    if found is None:
        return None
    letter = next(group for group in found.groups() if group)
    at = ascii_uppercase.index(letter.upper())
    return at if at < n else None


def _choices(benchmark: Benchmark, item: Item) -> Sequence[str]:
    named = (benchmark.task or {})["doc_to_choice"]
    texts = item.choices if named == "choices" else [str(name) for name in named]
    return [texts[place] for place in item.meta["mc1"]] if "mc1" in item.meta else texts


def _right(item: Item) -> int:
    if "mc1" in item.meta:
        return int(list(item.meta["mc1"]).index(item.meta["best"]))
    return item.labels.index(1)


def _question(text: str, choices: Sequence[str]) -> str:
    listed = "\n".join(f"{ascii_uppercase[at]}. {choice}" for at, choice in enumerate(choices))
    return f"{text}\n\n{listed}\n\nWhich is the best continuation? Answer with its letter alone."
