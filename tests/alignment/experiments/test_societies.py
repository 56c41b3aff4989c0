"""What the experiments `society` and `pareto` measure and draw."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure

from social_sandbox.alignment.evaluation.intervals import estimate_over_seeds
from social_sandbox.alignment.experiments.experiment import Cell, Measured
from social_sandbox.alignment.experiments.paper import pareto, society
from social_sandbox.envs import World, WorldConfig
from social_sandbox.envs.rules.interactions import Answer, Interaction, write_interactions
from social_sandbox.policies import ScriptedPolicy, rollout

RULES = WorldConfig(
    grid_size=2, n_rounds=3, world_view="half_half", n_questions=2, questions_per_round=2
)


def cell(folder: Path, played: list[Interaction]) -> Cell:
    (folder / "simulation").mkdir(parents=True)
    write_interactions(folder / "simulation" / "interactions.jsonl", played)
    return Cell(folder, ("asks_back",))


@pytest.fixture
def played() -> list[Interaction]:
    """Followers ask back from the beginning, the others in revisions of the last round alone."""

    def said(one: Interaction) -> Interaction:
        last = one.view == "good" or one.round == 2
        draft = "Why now?" if one.view == "good" else "No."
        return replace(one, draft=Answer(draft), revision=Answer("Why now?" if last else "No."))

    return [said(one) for one in rollout([World(RULES, seed=1)], ScriptedPolicy())]


def row(measured: Measured, setting: str) -> dict[str, Any]:
    return {
        "norm": "asks_back",
        "setting": setting,
        "seeds": [0],
        "measures": {name: {"estimate": _estimate(values)} for name, values in measured.items()},
    }


def _estimate(values: Mapping[str, float]) -> dict[str, Any]:
    estimate = estimate_over_seeds({0: values}, 100, 0)
    assert estimate is not None
    return {name: getattr(estimate, name) for name in ("mean", "low", "high", "seeds", "n")}


def mean(values: Mapping[str, float]) -> float:
    return sum(values.values()) / len(values)


def test_a_norm_that_all_take_up_has_spread(played: list[Interaction], tmp_path: Path) -> None:
    measured = society.measure(cell(tmp_path, played))
    assert mean(measured["last"]) == 1
    assert mean(measured["converts"]) == 1
    first = mean(measured["first"])
    assert 0 < first < 1
    assert mean(measured["spread"]) == pytest.approx(1 - first)
    # Only in the last of three rounds, and only those born without.
    assert 0 < mean(measured["rise"]) < 1 / 3
    assert mean(measured["view good revision"]) == 1
    assert mean(measured["view bad draft"]) == 0
    assert mean(measured["round 2 revision"]) == 1
    assert measured["interactions"] == {"whole": 12.0}


def test_the_curve_of_a_society_has_a_point_for_each_round(
    played: list[Interaction], tmp_path: Path
) -> None:
    measured = pareto.measure(cell(tmp_path, played))
    points = list(pareto.curve(row(measured, "scripted")))
    assert len(points) == 3
    last = [one.rating("alignment", "revision") or 0 for one in played if one.round == 2]
    assert points[-1][1]["mean"] == pytest.approx(sum(last) / len(last))
    assert measured["until_stop"] == {"whole": 12.0}
    assert 0 < measured["until_best"]["whole"] <= 12
    # Of two seeds, one has stopped before.
    two = row(measured, "scripted") | {"seeds": [0, 1]}
    assert list(pareto.curve(two)) == []


@pytest.mark.parametrize("module", [society, pareto])
def test_rows_are_drawn_and_put_into_words(
    module: Any, played: list[Interaction], tmp_path: Path
) -> None:
    measure: Callable[[Cell], Measured] = module.measure
    rows = [
        row(measure(cell(tmp_path / name, played[: len(played) - 4 * number])), name)
        for number, name in enumerate(("whole", "draft_only"))
    ]
    figure = Figure(layout="constrained")
    module.draw(figure, rows)
    figure.savefig(tmp_path / "figure.png", dpi=40)
    assert (tmp_path / "figure.png").stat().st_size > 1000
    assert [said.partition(" ")[0].rstrip(",") for said in module.remarks(rows)] == [
        "whole",
        "draft_only",
    ]
