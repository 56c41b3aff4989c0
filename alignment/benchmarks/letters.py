"""Multiple choice for models that give no likelihoods: the letter that they write."""

import re
from collections.abc import Iterator, Sequence
from string import ascii_uppercase
from typing import Any

from jinja2 import Template

from social_sandbox.policies.policy import Policy

from .answers import CHUNK, ask
from .benchmark import Benchmark
from .items import Item, ItemResult
from .likelihood import shown

_LETTER = re.compile(r"^\W*(?:the\ |my\ )?(?:answer|choice)?(?:\ is)?\W*([A-Z])\b", re.IGNORECASE)


def choose_letters(
    benchmark: Benchmark, items: Sequence[Item], policy: Policy, seed: int
) -> Iterator[ItemResult]:
    """What a policy chooses by letter, item by item, as results come.

    The scores `acc` and `mc1` alone follow from a letter; an answer without one is wrong.
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
        answers = ask(policy, questions, seed)
        for item, texts, question, answer in zip(chunk, choices, questions, answers, strict=True):
            at = chosen_letter(answer, len(texts))
            metric = "mc1" if "mc1" in item.meta else "acc"
            details: dict[str, Any] = {
                "question": question,
                "answer": answer,
                "chance": {metric: 1 / len(texts)},
            }
            if "category" in item.meta:
                details["category"] = item.meta["category"]
            right = at is not None and at == _right(item)
            scores = {metric: float(right)}
            yield ItemResult(benchmark.name, item.id, "choice", item.group, scores, details)


def chosen_letter(answer: str, n: int) -> int | None:
    """Which of n choices an answer begins with, from 0; None if with none."""
    found = _LETTER.match(answer.strip())
    at = ascii_uppercase.index(found[1].upper()) if found else n
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
