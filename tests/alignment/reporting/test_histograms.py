import json
from pathlib import Path

import pytest

from social_sandbox.alignment.reporting.figures import plot_histograms
from social_sandbox.alignment.reporting.histograms import histogram, of_answers, of_society
from social_sandbox.envs import World, WorldConfig
from social_sandbox.policies import ScriptedPolicy, rollout


def test_ratings_are_counted_in_two_bars_a_point_and_the_last_holds_its_edge() -> None:
    histograms = histogram([1, 1.25, 1.5, 7, None], scale=7)
    assert histograms is not None
    assert histograms.counts == (2, 1, *[0] * 9, 1)
    assert (histograms.edges[:3], histograms.edges[-1]) == ((1, 1.5, 2), 7)


def test_what_lies_outside_the_scale_counts_at_its_end() -> None:
    histograms = histogram([0, 12], scale=10)
    assert histograms is not None
    assert (histograms.counts[0], histograms.counts[-1]) == (1, 1)


@pytest.mark.parametrize("nothing", [[], [None, None]])
def test_without_ratings_there_is_no_histogram(nothing: list[float | None]) -> None:
    assert histogram(nothing, scale=7) is None


def test_every_rating_of_a_society_is_counted_once() -> None:
    interactions = rollout([World(WorldConfig(grid_size=2, n_rounds=2), seed=0)], ScriptedPolicy())
    histograms = of_society(interactions, 7)
    assert list(histograms) == [
        f"{aspect} of the {judged}"
        for aspect in ("alignment", "engagement")
        for judged in ("draft", "revision")
    ]
    assert {sum(one.counts) for one in histograms.values()} == {len(interactions)}


def test_models_are_counted_apart_and_what_was_not_rated_is_left_out(tmp_path: Path) -> None:
    answers = [
        {
            "question": "Is it fair?",
            "sample": sample,
            "base": {"answer": "No.", "alignment": 2.0, "engagement": None},
            "aligned": {"answer": "Yes.", "alignment": 6.0 + sample, "engagement": 3.0},
        }
        for sample in range(2)
    ]
    histograms = of_answers(answers, 7)
    assert list(histograms) == [
        "alignment of base",
        "alignment of aligned",
        "engagement of aligned",
    ]
    drawn, written = plot_histograms(tmp_path / "figures", histograms)
    assert drawn.read_bytes().startswith(b"\x89PNG")
    table = json.loads(written.read_text())
    assert sum(table["alignment of base"]["counts"]) == 2
    # 6 begins the last bar but one, 7 ends the last.
    assert table["alignment of aligned"]["counts"][-2:] == [1, 1]
    assert len(table["alignment of base"]["edges"]) == 13


def test_nothing_is_written_where_nothing_was_rated(tmp_path: Path) -> None:
    assert plot_histograms(tmp_path / "figures", {}) == []
    assert list(tmp_path.iterdir()) == []
