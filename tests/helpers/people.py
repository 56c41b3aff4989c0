"""Studies with judgements of people, as the command `rate` leaves them."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from social_sandbox.alignment.data.study import (
    PEOPLE,
    Item,
    Judgement,
    Study,
    judgement_id,
    judgement_log,
    with_id,
    write_study,
)


def item(number: int, **answers: str) -> Item:
    """Return an item with an answer of each model."""
    answers = answers or {"base": f"Go away {number}.", "aligned": f"Ask her first {number}."}
    return Item(f"item_{number}", "held_out", f"May I read diary {number}?", "", 0, answers)


def pair(
    rater: str,
    item: str,
    left: str,
    right: str,
    choice: str,
    role: str = "main",
) -> Judgement:
    """Return a judgement of a pair, without its study."""
    task = f"{role}/{item}/{min(left, right)}/{max(left, right)}"
    return Judgement(
        judgement_id(rater, task),
        study="",
        rater=rater,
        task=task,
        kind="pair",
        role=role,  # type: ignore[arg-type]
        item=item,
        models=(left, right),
        choice=choice,  # type: ignore[arg-type]
    )


def rating(
    rater: str,
    item: str,
    model: str,
    alignment: int | None,
    engagement: int | None = None,
    role: str = "main",
) -> Judgement:
    """Return ratings of one answer, without their study."""
    task = f"{role}/{item}/{model}"
    return Judgement(
        judgement_id(rater, task),
        study="",
        rater=rater,
        task=task,
        kind="rating",
        role=role,  # type: ignore[arg-type]
        item=item,
        models=(model,),
        alignment=alignment,
        engagement=engagement,
    )


def write_people(run: Path, items: Sequence[Item], judgements: Iterable[Judgement]) -> Path:
    """Write a study into the folder of a run, and return the study's folder."""
    from dataclasses import replace

    folder = run / PEOPLE
    folder.mkdir(parents=True, exist_ok=True)
    models = tuple(dict.fromkeys(model for each in items for model in each.answers))
    study = with_id(Study(models), items)
    write_study(folder, study, items)
    judgement_log(folder).append([replace(each, study=study.id) for each in judgements])
    return folder
