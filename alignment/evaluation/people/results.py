"""What the judgements of one study or several say, as numbers and sentences."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.rules.turns import ASPECTS, Aspect

from ...data.study import Item, Judgement, Record, find_study, read_record
from ..agreement import krippendorff_alpha
from ..intervals import Estimate, estimate_over_clusters
from .comparisons import Comparison, Score, WinRate, linked_models, one_sided, scores, win_rates
from .judges import (
    RATED,
    Agreement,
    Correlation,
    Verdicts,
    judge_agreement,
    observer_agreement,
    observer_correlation,
)
from .raters import Rater, left_share, raters


@dataclass(frozen=True, slots=True)
class MeanRating:
    """People's mean rating of one model's answers.

    Attributes:
        model: The model.
        aspect: What was rated.
        mean: The mean over all ratings.
        estimate: The mean with its interval by questions; None for fewer than two questions.
        n: Number of ratings.
    """

    model: str
    aspect: Aspect
    mean: float
    estimate: Estimate | None
    n: int


@dataclass(frozen=True, slots=True)
class Results:
    """All that the report shows.

    Attributes:
        folders: Folders of the studies.
        models: Names of the models.
        scale: The highest rating.
        judgements, questions: Numbers, without checks, repeats and raters who are left out.
        raters: How carefully each person judged, those who are left out included.
        left_out: Names of the raters who are left out.
        win_rates: How often one model is preferred to another.
        scores: Bradley-Terry scores.
        ratings: Mean ratings.
        alpha: Krippendorff's alpha between raters: of `pairs` (nominal) and of each aspect
            (ordinal); None where there is none.
        left: How often the left answer was preferred, ties left out; None for too few pairs.
        observer_pairs: By rating of the observer, how often the observer agrees with a preference.
        observer_ratings: By rating, how far the observer orders answers as people do.
        judges: By judge, how often the judge agrees with a preference.
        notes: Sentences that belong to the numbers.
    """

    folders: Sequence[str]
    models: Sequence[str]
    scale: int
    judgements: int
    questions: int
    raters: Sequence[Rater]
    left_out: Sequence[str]
    win_rates: Sequence[WinRate]
    scores: Sequence[Score]
    ratings: Sequence[MeanRating]
    alpha: Mapping[str, float | None]
    left: Estimate | None
    observer_pairs: Mapping[str, Agreement]
    observer_ratings: Mapping[str, Correlation]
    judges: Mapping[str, Agreement]
    notes: Sequence[str]


@dataclass(frozen=True, slots=True)
class Studies:
    """Several studies as one.

    Attributes:
        folders: Their folders.
        runs: The folders of their runs.
        items: All items; identifiers begin with that of the study.
        judgements: All judgements.
        models: Names of the models; studies of different runs name the run as well.
        scale: The highest rating.
    """

    folders: Sequence[Path]
    runs: Sequence[Path]
    items: Mapping[str, Item]
    judgements: Sequence[Judgement]
    models: Sequence[str]
    scale: int


def read_studies(folders: Sequence[Path]) -> Studies:
    """Return the studies in folders of runs, or in folders of studies.

    A study that lies in two folders, as after judging on two machines, is one study. Models of
    different studies of different runs are different models, and are named after their runs too.

    Raises:
        UserError: A folder has no study, or it cannot be read.
    """
    found = [find_study(folder, "rate report") for folder in folders]
    records = [(folder.resolve().parent, read_record(folder)) for folder in found]
    are_one = len({record.study.id for _, record in records}) == 1
    are_one = are_one or len({run for run, _ in records}) == 1
    items: dict[str, Item] = {}
    judgements: dict[tuple[str, str], Judgement] = {}
    models: dict[str, None] = {}
    for run, record in records:
        prefix = "" if are_one else f"{run.name}: "
        _add(record, prefix, items, judgements)
        models |= dict.fromkeys(prefix + model for model in record.study.models)
    scales = {record.study.scale for _, record in records}
    if len(scales) > 1:
        raise UserError("rate report: studies with different rating scales, one at a time")
    return Studies(
        folders=found,
        runs=list(dict.fromkeys(folder.parent for folder in found)),
        items=items,
        judgements=list(judgements.values()),
        models=list(models),
        scale=scales.pop(),
    )


def _add(
    record: Record,
    prefix: str,
    items: dict[str, Item],
    judgements: dict[tuple[str, str], Judgement],
) -> None:
    study = record.study.id
    for item in record.items.values():
        items[f"{study}/{item.id}"] = replace(
            item,
            answers={prefix + model: text for model, text in item.answers.items()},
            ratings={prefix + model: given for model, given in item.ratings.items()},
        )
    for judgement in record.judgements:
        is_check = judgement.role == "check"
        judgements.setdefault(
            (study, judgement.id),
            replace(
                judgement,
                rater=prefix + judgement.rater,
                item=f"{study}/{judgement.item}",
                models=tuple(m if is_check else prefix + m for m in judgement.models),
            ),
        )


def results_of(
    studies: Studies,
    judges: Mapping[str, Verdicts],
    exclude_below: float | None = None,
    resamples: int = 2000,
    seed: int = 0,
) -> Results:
    """Return what people's judgements say.

    Args:
        studies: The studies.
        judges: Verdicts of judges on the same answers, by name.
        exclude_below: Raters who passed a smaller share of their attention checks are left out;
            None leaves nobody out.
        resamples: Number of bootstrap resamples.
        seed: Seed of the resamples.
    """
    people = raters(studies.judgements)
    left_out = {
        rater.name
        for rater in people
        if exclude_below is not None
        and rater.pass_share is not None
        and rater.pass_share < exclude_below
    }
    kept = [each for each in studies.judgements if each.rater not in left_out]
    main = [each for each in kept if each.role == "main" and each.item in studies.items]
    pairs = [each for each in main if each.kind == "pair"]
    items = studies.items
    compared = [_comparison(each, items) for each in pairs]
    how = {"resamples": resamples, "seed": seed}
    rates, strengths = win_rates(compared, **how), scores(compared, **how)
    ratings = _mean_ratings(main, studies, **how)
    alpha = _alphas(main)
    left = left_share(kept, **how)
    by_aspect = {rated: observer_agreement(main, items, rated, **how) for rated in RATED}
    order = {rated: observer_correlation(main, items, rated, **how) for rated in RATED}
    by_judge = {
        name: judge_agreement(main, items, verdicts, **how) for name, verdicts in judges.items()
    }
    results = Results(
        folders=[str(folder) for folder in studies.folders],
        models=studies.models,
        scale=studies.scale,
        judgements=len(main),
        questions=len({items[each.item].question for each in main}),
        raters=people,
        left_out=sorted(left_out),
        win_rates=rates,
        scores=strengths,
        ratings=ratings,
        alpha=alpha,
        left=left,
        observer_pairs={name: each for name, each in by_aspect.items() if each},
        observer_ratings={name: each for name, each in order.items() if each},
        judges={name: each for name, each in by_judge.items() if each},
        notes=(),
    )
    return replace(results, notes=_notes(results, compared, exclude_below))


def _comparison(judgement: Judgement, items: Mapping[str, Item]) -> Comparison:
    left, right = judgement.models
    win = {"left": 1.0, "right": 0.0}.get(judgement.choice or "tie", 0.5)
    return Comparison(items[judgement.item].question, left, right, win)


def _mean_ratings(
    main: Sequence[Judgement], studies: Studies, resamples: int, seed: int
) -> list[MeanRating]:
    found = []
    for model in studies.models:
        own = [each for each in main if each.kind == "rating" and each.models == (model,)]
        for aspect in ASPECTS:
            rated = [(each, value) for each in own if (value := getattr(each, aspect)) is not None]
            if rated:
                values = np.array([float(value) for _, value in rated])
                questions = [studies.items[each.item].question for each, _ in rated]
                estimate = estimate_over_clusters(values, questions, resamples, seed)
                found.append(MeanRating(model, aspect, float(values.mean()), estimate, len(values)))
    return found


def _alphas(main: Sequence[Judgement]) -> dict[str, float | None]:
    """Return the agreement of raters about the same pairs, and about the same answers."""
    pairs: dict[tuple[str, tuple[str, ...]], dict[str, float]] = defaultdict(dict)
    ratings: dict[Aspect, dict[tuple[str, str], dict[str, float]]] = {
        aspect: defaultdict(dict) for aspect in ASPECTS
    }
    for each in main:
        if each.kind == "pair":
            models = tuple(sorted(each.models))
            # A name for each outcome, whichever side a model stood on: 0 is a tie.
            outcome = 0 if each.winner is None else 1 + models.index(each.winner)
            pairs[each.item, models][each.rater] = float(outcome)
            continue
        for aspect in ASPECTS:
            value = getattr(each, aspect)
            if value is not None:
                ratings[aspect][each.item, each.models[0]][each.rater] = float(value)
    alphas: dict[str, float | None] = {"pairs": krippendorff_alpha(pairs.values(), "nominal")}
    for aspect, units in ratings.items():
        alphas[aspect] = krippendorff_alpha(units.values(), "ordinal")
    return alphas


def _notes(
    results: Results, compared: Sequence[Comparison], exclude_below: float | None
) -> list[str]:
    notes = []
    if not results.judgements:
        notes.append(
            "Nobody has judged anything yet."
            if not results.raters
            else "No judgement is left to count."
        )
    if results.win_rates:
        notes.append("A tie counts one half of a win. Intervals are 95 %, by questions.")
    estimates = [rate.estimate for rate in results.win_rates]
    estimates += [rating.estimate for rating in results.ratings]
    if None in estimates:
        notes.append("An interval needs judgements of two questions at least.")
    for group in linked_models(compared)[1:]:
        notes.append(
            f"No comparison links {' and '.join(group)} with the other models: scores can be "
            "compared within a group alone."
        )
    for model, word in one_sided(results.win_rates).items():
        notes.append(
            f"{model} {word} all comparisons: the data set no limit to its score, which a weak "
            "prior keeps finite."
        )
    if results.judgements and len({*(r.name for r in results.raters)} - {*results.left_out}) < 2:
        notes.append("Agreement between raters needs two raters.")
    elif results.judgements and all(value is None for value in results.alpha.values()):
        notes.append(
            "Agreement between raters cannot be measured: no task has two raters, or all of them "
            "said the same about everything."
        )
    for rater in results.raters:
        passed = f"passed {rater.passed} of {rater.checks} attention checks"
        if rater.name in results.left_out:
            notes.append(f"Left out by --exclude-below {exclude_below:g}: {rater.name} ({passed}).")
        elif rater.passed < rater.checks:
            notes.append(f"{rater.name} {passed}, and is counted; see --exclude-below.")
    has_pairs, has_ratings = bool(compared), bool(results.ratings)
    if (has_pairs or has_ratings) and not (results.observer_pairs or results.observer_ratings):
        notes.append("The observer's agreement is unknown: too few answers have its ratings.")
    return notes
