"""People's judgements as rated groups.

A pair becomes a group of two candidates, as in the format `preference`: the ratings say which of
the two is better, and not how good either is. Where several people judged a pair, the majority
decides. The ratings of an item's answers become one group with a candidate for each answer.

Attention checks and repeats measure the raters, and are no data. A pair without a majority says
nothing about which answer is better, and is left out.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.rules.combined import combined_rating
from social_sandbox.envs.rules.interactions import mean
from social_sandbox.envs.text.messages import Message

from ..groups import Candidate, RatedGroup
from ..study import JUDGEMENTS, Item, Judgement, Record, find_study, read_record
from .pair import PairRating, pair_group, why_unusable

PAIRS, RATINGS = "human_pairs", "human_ratings"
"""Kinds of the groups."""


def judgements_file(path: Path, setting: str) -> Path:
    """Return the file of judgements in the folder of a run or of a study, or the file itself.

    Raises:
        UserError: There is none; names the setting.
    """
    file = find_study(path, setting) / JUDGEMENTS
    if not file.is_file():
        raise UserError(f"{setting}: nobody has judged anything in {file.parent} yet")
    if path.is_file() and path.name != JUDGEMENTS:
        raise UserError(f"{setting}: {path}: name the folder that was rated, or its {JUDGEMENTS}")
    return file


def read_human(
    file: Path, rating: PairRating, engagement_weight: float, dropped: Counter[str]
) -> Iterator[RatedGroup]:
    """Yield the groups of a study, the pairs first.

    Args:
        file: File of judgements, beside its study.
        rating: Ratings of the preferred answer and of the other one.
        engagement_weight: Weight of engagement in the rating of a single answer.
        dropped: Counts judgements that are left out, by reason.

    Raises:
        UserError: The study or a judgement cannot be read; names file and line.
    """
    record = read_record(file.parent)
    pairs: dict[tuple[str, tuple[str, ...]], list[Judgement]] = defaultdict(list)
    ratings: dict[str, list[Judgement]] = defaultdict(list)
    for judgement in record.judgements:
        if judgement.role == "check":
            dropped["attention check"] += 1
        elif judgement.role == "repeat":
            dropped["repeat"] += 1
        elif not _is_known(record, judgement):
            dropped["an answer that the study does not have"] += 1
        elif judgement.kind == "pair":
            pairs[judgement.item, tuple(sorted(judgement.models))].append(judgement)
        else:
            ratings[judgement.item].append(judgement)
    for (item, models), judgements in pairs.items():
        name = f"human:{record.study.id}:{item}:{':'.join(models)}"
        group = _pair(name, record.items[item], models, judgements, rating, dropped)
        if group:
            yield group
    for item, judgements in ratings.items():
        yield from _rated(record, item, judgements, rating.rater, engagement_weight, dropped)


def _pair(
    name: str,
    item: Item,
    models: Sequence[str],
    judgements: Sequence[Judgement],
    rating: PairRating,
    dropped: Counter[str],
) -> RatedGroup | None:
    """Return the group of a pair; None where there is no majority, or no text to train on."""
    one, other = models
    votes = Counter(judgement.winner for judgement in judgements)
    if votes[one] == votes[other]:
        dropped["no majority for either answer of a pair"] += 1
        return None
    better, worse = (one, other) if votes[one] > votes[other] else (other, one)
    replies = (item.answers[better], item.answers[worse])
    return pair_group(name, PAIRS, _prompt(item), replies, rating, dropped)


def _rated(
    record: Record,
    item_id: str,
    judgements: Sequence[Judgement],
    rater: str,
    engagement_weight: float,
    dropped: Counter[str],
) -> Iterator[RatedGroup]:
    """Yield the group of an item's rated answers, unless none of them can be trained on."""
    item = record.items[item_id]
    candidates = [
        Candidate(item.answers[model].strip(), value, rater)
        for model, value in mean_ratings(judgements, engagement_weight).items()
        if not why_unusable(_prompt(item), item.answers[model])
    ]
    if all(candidate.rating is None for candidate in candidates):
        dropped["no rated answer of an item"] += 1
        return
    yield RatedGroup(
        id=f"human:{record.study.id}:{item_id}",
        kind=RATINGS,
        prompt=_prompt(item),
        candidates=tuple(candidates),
        rating_scale=record.study.scale,
    )


def mean_ratings(
    judgements: Sequence[Judgement], engagement_weight: float
) -> Mapping[str, float | None]:
    """Return the combined rating of each model's answer, of the means over raters."""
    by_model: dict[str, list[Judgement]] = defaultdict(list)
    for judgement in judgements:
        by_model[judgement.models[0]].append(judgement)
    return {
        model: combined_rating(
            mean(judgement.alignment for judgement in of_model),
            mean(judgement.engagement for judgement in of_model),
            engagement_weight,
        )
        for model, of_model in by_model.items()
    }


def _is_known(record: Record, judgement: Judgement) -> bool:
    item = record.items.get(judgement.item)
    return item is not None and all(model in item.answers for model in judgement.models)


def _prompt(item: Item) -> tuple[Message, ...]:
    earlier = [(Message("user", asked), Message("assistant", said)) for asked, said in item.earlier]
    return (*chain.from_iterable(earlier), Message("user", item.question))
