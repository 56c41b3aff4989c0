"""The answers in the folders of runs, as items for people to judge."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from math import isfinite
from os import path
from pathlib import Path
from typing import Any

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.rules.interactions import read_interactions
from social_sandbox.envs.rules.seeding import key
from social_sandbox.envs.rules.turns import ASPECTS, Judged
from social_sandbox.envs.text.jsonl import OBJECT, read_jsonl
from social_sandbox.envs.text.texts import valid
from social_sandbox.policies.society.log import INTERACTIONS

from ...data.study import Item
from ..benchmarks.items import ITEMS as BENCHMARK_ITEMS
from ..benchmarks.items import result_log

HELD_OUT = "held_out"
"""Name of the source of held-out questions; other sources are benchmarks."""

SOCIETY = "society"
"""Name of the source of what the society was asked."""

BASE, ALIGNED = "base", "aligned"

_ANSWERS = Path("evaluation") / "answers.jsonl"
_BENCHMARKS = Path("benchmarks")
_INTERACTIONS = Path("simulation") / INTERACTIONS


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, and the observer's ratings by aspect."""

    text: str
    ratings: dict[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Asked:
    """What models were asked: the place of an item among all."""

    source: str
    question: str
    kind: str = ""
    sample: int = 0
    earlier: tuple[tuple[str, str], ...] = ()


Answers = dict[Asked, dict[str, Answer]]
"""Answer by what was asked and by model."""


def read_answers(folders: Sequence[Path], sources: Collection[str] = ()) -> Answers:
    """Return all answers in the folders of runs.

    The drafts and revisions of the society, as the models `draft` and `revision`, are among them
    if `sources` names `society`, or if a folder has no other answers. Their questions are not held
    out: what people say about them can be trained on.

    One folder gives the models `base` and `aligned`. Of several folders, each gives its aligned
    model under the folder's name. Its base model is `base` where all folders say the same, and
    otherwise NAME/base.

    Raises:
        UserError: A folder has no answers; names the command that makes them.
    """
    names = _folder_names(folders)
    found: Answers = defaultdict(dict)
    of_base: dict[Asked, dict[str, Answer]] = defaultdict(dict)
    for folder, name in zip(folders, names, strict=True):
        if not folder.is_dir():
            raise UserError(f"rate: no such folder: {folder}")
        rows = [*_held_out(folder), *_benchmarks(folder)]
        if SOCIETY in sources or not rows:
            rows += _society(folder)
        if not rows:
            raise UserError(
                f"rate: {folder} has no answers: there is neither {_ANSWERS} nor an answer in "
                f"{_BENCHMARKS / BENCHMARK_ITEMS}; they are made by: social-sandbox evaluate "
                f"output_dir={folder}"
            )
        for asked, model, answer in rows:
            if len(folders) == 1:
                found[asked][model] = answer
            elif model == BASE:
                of_base[asked][name] = answer
            else:
                found[asked][name if model == ALIGNED else f"{name}/{model}"] = answer
    _add_base(found, of_base)
    return dict(found)


def usual_answers(answers: Answers, sources: Collection[str]) -> Answers:
    """Return the answers that a study is about if nobody names models: those of `sources`.

    Without sources it is about all that is not the society's, if there is anything.
    """
    named = {asked: each for asked, each in answers.items() if asked.source in sources}
    others = {asked: each for asked, each in answers.items() if asked.source != SOCIETY}
    return named or others or answers


def models_of(answers: Answers) -> list[str]:
    """Return the names of all models, `base` first."""
    names = {model: None for each in answers.values() for model in each}
    return sorted(names, key=lambda name: (name != BASE, name.endswith(f"/{BASE}")))


def draw_items(
    answers: Answers, models: Collection[str], sources: Collection[str], n: int, seed: int
) -> list[Item]:
    """Draw questions that all models have answered, and one sample of each.

    Of several samples, one whose answers differ is preferred.

    Args:
        answers: All answers.
        models: The models.
        sources: Names of the sources; empty: all.
        n: Number of questions; 0: all.
        seed: Seed of the draw.
    """
    by_question: dict[tuple[object, ...], list[Asked]] = defaultdict(list)
    for asked, given in answers.items():
        if (not sources or asked.source in sources) and given.keys() >= set(models):
            by_question[asked.source, asked.earlier, asked.question].append(asked)

    def order(asked: Asked) -> tuple[bool, int]:
        texts = {answers[asked][model].text for model in models}
        return len(texts) < len(models), key(seed, "sample", asked.question, asked.sample)

    chosen = [min(samples, key=order) for samples in by_question.values()]
    chosen.sort(key=lambda asked: key(seed, "item", asked.source, asked.question))
    return [
        _item(asked, {model: answers[asked][model] for model in models})
        for asked in (chosen[:n] if n else chosen)
    ]


def check_unchanged(items: Sequence[Item], answers: Answers, where: Path) -> None:
    """Refuse a study whose answers are no longer those of the runs.

    Raises:
        UserError: An answer has changed.
    """
    now = {
        _item(asked, {}).id: {model: answer.text for model, answer in given.items()}
        for asked, given in answers.items()
    }
    for item in items:
        if not item.answers.items() <= now.get(item.id, {}).items():
            raise UserError(
                f"rate: {where} is of other answers than the runs have now (first: "
                f"{item.question[:60]!r}); choose another --output for the new answers"
            )


def _held_out(folder: Path) -> Iterator[tuple[Asked, str, Answer]]:
    file = folder / _ANSWERS
    if not file.exists():
        return
    for number, row in enumerate(read_jsonl(file, OBJECT, "rate"), start=1):
        question, kind, sample = row.get("question"), row.get("kind") or "", row.get("sample", 0)
        if not isinstance(question, str) or not isinstance(sample, int):
            raise UserError(f"rate: {file}, row {number}: no question, or no number of the sample")
        asked = Asked(HELD_OUT, valid(question), valid(str(kind)), sample)
        for model, given in row.items():
            if isinstance(given, dict) and isinstance(given.get("answer"), str):
                ratings: dict[str, float | None] = {
                    aspect: _number(given.get(aspect)) for aspect in ASPECTS
                }
                yield asked, valid(model), Answer(valid(given["answer"]), ratings)


def _benchmarks(folder: Path) -> Iterator[tuple[Asked, str, Answer]]:
    # A run measures one model on benchmarks: the one that it aligned.
    for result in result_log(folder / _BENCHMARKS / BENCHMARK_ITEMS).read():
        question, text = result.details.get("question"), result.details.get("answer")
        if result.part == "answer" and isinstance(question, str) and isinstance(text, str):
            earlier = tuple(
                (valid(str(exchange.get("question", ""))), valid(str(exchange.get("answer", ""))))
                for exchange in result.details.get("earlier") or ()
                if isinstance(exchange, dict)
            )
            asked = Asked(result.benchmark, valid(question), "", 0, earlier)
            yield asked, ALIGNED, Answer(valid(text))


def _society(folder: Path) -> Iterator[tuple[Asked, str, Answer]]:
    path = folder / _INTERACTIONS
    if not path.exists():
        return
    samples = Counter[str]()
    for interaction in read_interactions(path):
        said: dict[Judged, str] = {
            "draft": interaction.draft.text,
            "revision": interaction.revision.text,
        }
        if not all(text.strip() for text in said.values()):
            continue
        question = valid(interaction.question)
        asked = Asked(SOCIETY, question, valid(interaction.kind), samples[question])
        samples[question] += 1
        for judged, text in said.items():
            ratings = {aspect: interaction.rating(aspect, judged) for aspect in ASPECTS}
            yield asked, judged, Answer(valid(text), {str(a): r for a, r in ratings.items()})


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and isfinite(value) else None


def _add_base(found: Answers, of_base: Mapping[Asked, Mapping[str, Answer]]) -> None:
    texts = [{answer.text for answer in each.values()} for each in of_base.values()]
    if all(len(each) == 1 for each in texts):
        for asked, each in of_base.items():
            found[asked][BASE] = next(iter(each.values()))
        return
    for asked, each in of_base.items():
        for name, answer in each.items():
            found[asked][f"{name}/{BASE}"] = answer


def _folder_names(folders: Sequence[Path]) -> list[str]:
    """Return the shortest ends of the paths by which the folders differ."""
    parts = [Path(path.normpath(folder.absolute())).parts for folder in folders]
    if len(set(parts)) < len(parts):
        raise UserError("rate: a folder is named twice")
    for length in range(1, max(map(len, parts)) + 1):
        names = ["/".join(each[-length:]) for each in parts]
        if len(set(names)) == len(names):
            return names
    return ["/".join(each) for each in parts]


def _item(asked: Asked, given: Mapping[str, Answer]) -> Item:
    place = repr((asked.source, asked.earlier, asked.question, asked.sample))
    return Item(
        id=blake2b(place.encode(), digest_size=6).hexdigest(),
        source=asked.source,
        question=asked.question,
        kind=asked.kind,
        sample=asked.sample,
        answers={model: answer.text for model, answer in given.items()},
        ratings={model: answer.ratings for model, answer in given.items() if answer.ratings},
        earlier=list(asked.earlier),
    )
