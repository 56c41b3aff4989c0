"""Which answers a study asks about: chosen by the options, or by an earlier start."""

import argparse
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from social_sandbox.envs.errors import UserError

from ...data.study import ITEMS, STUDY, Item, Study, judgement_log, read_study, with_id
from .answers import (
    BASE,
    SOCIETY,
    check_unchanged,
    draw_items,
    models_of,
    read_answers,
    usual_answers,
)
from .plan import pairs_of_models


def chosen_study(options: argparse.Namespace, output: Path) -> tuple[Study, list[Item]]:
    """Return the study in a folder, or else a new one of the answers of the runs.

    Raises:
        UserError: There are no answers; there cannot be such a study; or the folder is of another
            one.
    """
    kept = read_study(output)
    answers = read_answers(options.folders, kept[0].sources if kept else options.sources or ())
    if kept is not None:
        _check_same(options, kept[0], output)
        check_unchanged(kept[1], answers, output / ITEMS)
        return kept
    log = judgement_log(output)
    if log.read():
        raise UserError(f"rate: {log.path} is without its {STUDY}; choose another --output")
    usual = usual_answers(answers, options.sources or ())
    is_one = len(options.folders) == 1
    chosen = options.models or tuple(
        model for model in models_of(usual) if is_one or model.rpartition("/")[2] != BASE
    )
    _check_names("--models", chosen, models_of(answers))
    _check_names("--sources", options.sources or (), sorted({each.source for each in answers}))
    if len(chosen) < 2 and options.tasks not in (None, "ratings"):
        raise UserError(
            f"--tasks: {options.tasks} needs two models, and there are answers of {chosen[0]} "
            "alone; use --tasks ratings, or name the folder of another run too"
        )
    given = _given(options)
    if len(chosen) < 2:
        given["tasks"] = "ratings"
    if {each.source for each in usual} == {SOCIETY}:
        # Written down, since the run may have other answers later.
        given["sources"] = (SOCIETY,)
    study = Study(**{**given, "models": chosen})
    items = draw_items(answers, study.models, study.sources, study.items, study.seed)
    if not items:
        raise UserError(f"rate: no question has an answer of each of {', '.join(chosen)}")
    if study.tasks != "ratings" and not pairs_of_models(study, items):
        raise UserError(f"rate: {' and '.join(chosen)} gave the same answer to every question")
    return with_id(study, items), items


def _check_same(options: argparse.Namespace, study: Study, output: Path) -> None:
    before = asdict(study)
    for name, value in _given(options).items():
        if before[name] != value:
            raise UserError(
                f"--{name.replace('_', '-')}: the study in {output} has {_text(before[name])}, not "
                f"{_text(value)}; choose another --output for another study"
            )


def _check_names(setting: str, chosen: tuple[str, ...], known: list[str]) -> None:
    for name in chosen:
        if name not in known:
            raise UserError(f"{setting}: no {name!r}; there are {', '.join(known)}")
    if len(set(chosen)) < len(chosen):
        raise UserError(f"{setting}: a name is given twice")


def _given(options: argparse.Namespace) -> dict[str, Any]:
    """Return the settings of a study that the user has named."""
    given = {each.name: getattr(options, each.name, None) for each in fields(Study)}
    return {name: value for name, value in given.items() if value is not None}


def _text(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
