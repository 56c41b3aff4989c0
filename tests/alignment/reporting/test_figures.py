"""Figures: what they show, that their axes are named, and that no text covers another."""

from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from social_sandbox.alignment.evaluation.spread import norm_spread
from social_sandbox.alignment.reporting import figures
from social_sandbox.alignment.reporting.histograms import of_society
from social_sandbox.envs import Interaction
from social_sandbox.policies.norms import NORMS
from tests.helpers.societies import play, society

ESTIMATE = {"mean": 0.4, "low": 0.3, "high": 0.55}
NEGATIVE = {"mean": -0.1, "low": -0.3, "high": 0.1}
TABLE = {
    "alignment": {"base": ESTIMATE, "aligned": ESTIMATE, "difference": ESTIMATE},
    "engagement": {"base": ESTIMATE, "aligned": ESTIMATE, "difference": NEGATIVE},
    "combined": {"base": ESTIMATE, "aligned": ESTIMATE, "difference": ESTIMATE},
    "prefers_good": {"base": ESTIMATE, "aligned": ESTIMATE, "difference": ESTIMATE},
    "moved_to_good": {"base": None, "aligned": ESTIMATE, "difference": None},
    "prefers_chosen": {"base": ESTIMATE, "aligned": ESTIMATE, "difference": ESTIMATE},
    "moved_to_chosen": {"base": None, "aligned": ESTIMATE, "difference": None},
}
LOSSES = [{"step": step, "loss": 2.0 / step, "loss/sft": 1.9 / step} for step in range(1, 30)]


def interactions(n_worlds: int = 2, grid_size: int = 4) -> list[Interaction]:
    worlds = [
        society(grid_size=grid_size, n_rounds=2, seed=seed, name=f"world_{seed}")
        for seed in range(n_worlds)
    ]
    return [one for world in worlds for one in play(world).interactions]


def check_places(drawn: dict[str, Figure]) -> None:
    """Check that no text covers another one or reaches beyond its figure."""
    for name, figure in drawn.items():
        placed = texts(figure)
        covering = [
            (a, b) for (a, place), (b, other) in combinations(placed, 2) if place.overlaps(other)
        ]
        assert not covering, name
        width, height = figure.canvas.get_width_height()
        for text, place in placed:
            inside = place.x0 >= 0 and place.y0 >= 0 and place.x1 <= width and place.y1 <= height
            assert inside, (name, text)


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> dict[str, Figure]:
    """The figures by their names, instead of files."""
    kept: dict[str, Figure] = {}

    def keep(figure: Figure, path: Path) -> Path:
        kept[path.stem] = figure
        return path

    monkeypatch.setattr(figures, "_save", keep)
    return kept


def texts(figure: Figure) -> list[Any]:
    """What is written in a figure, with the place of each text."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    hidden = hidden_labels(figure)
    return [
        (text.get_text(), text.get_window_extent(renderer).shrunk(0.9, 0.8))
        for text in figure.findobj(Text)
        if text.get_text().strip() and text.get_visible() and text not in hidden
    ]


def hidden_labels(figure: Figure) -> set[Any]:
    """Labels of ticks beyond the limits, and of axes that are switched off."""
    hidden = set()
    for axes in figure.findobj(Axes):
        for axis in (axes.xaxis, axes.yaxis):
            shown = set(axis._update_ticks()) if axes.axison else set()
            for tick in {*axis.get_major_ticks(), *axis.get_minor_ticks()} - shown:
                hidden |= {tick.label1, tick.label2}
    return hidden


def test_no_text_covers_another_and_all_axes_are_named(
    tmp_path: Path, drawn: dict[str, Figure]
) -> None:
    society_of_two = interactions()
    evaluation = {"table": TABLE, "rating_scale": 7}
    figures.plot_run(tmp_path, society_of_two, LOSSES, evaluation, "stable_alignment")
    figures.plot_histograms(tmp_path, of_society(society_of_two, 7))
    assert set(drawn) == {"ratings", "grid", "loss", "evaluation", "overview", "histograms"}
    check_places(drawn)


def test_norms_are_drawn_by_round_and_for_both_models(
    tmp_path: Path, drawn: dict[str, Figure]
) -> None:
    society_of_two = interactions()
    norms = [NORMS["asks_back"], NORMS["brief"]]
    rows = {"base": ESTIMATE, "aligned": ESTIMATE, "difference": NEGATIVE}
    evaluation = {
        "table": {**TABLE, "embedded_alignment": rows, "embedded_engagement": rows},
        "norms": {"asks_back": rows, "brief": rows, "all norms": rows},
        "rating_scale": 7,
    }
    shares = norm_spread(society_of_two, norms)
    figures.plot_run(tmp_path, society_of_two, LOSSES, evaluation, "stable_alignment", shares)
    check_places(drawn)
    followed, ratings, _ = drawn["evaluation"].axes
    names = [label.get_text() for label in followed.get_yticklabels()]
    assert names == ["asks back", "brief", "all norms"]
    assert "by the embedded observer" in ratings.get_yticklabels()[-1].get_text()


def test_the_grid_has_a_panel_for_each_world(drawn: dict[str, Figure], tmp_path: Path) -> None:
    figures.plot_run(tmp_path, interactions(2, 3), [], {})
    titles = [axes.get_title() for axes in drawn["grid"].axes]
    assert titles[:2] == ["world_0, round 1", "world_1, round 1"]
    figures.plot_run(tmp_path, interactions(8, 2), [], {})
    assert drawn["grid"].get_suptitle() == "Alignment on the grid (6 of 8 worlds)"


def test_no_colour_map_goes_from_red_to_green(drawn: dict[str, Figure], tmp_path: Path) -> None:
    figures.plot_run(tmp_path, interactions(1, 3), [], {})
    (image,) = drawn["grid"].axes[0].get_images()
    assert image.get_cmap().name == "cividis"


def test_shares_are_drawn_beside_the_differences(drawn: dict[str, Figure], tmp_path: Path) -> None:
    figures.plot_run(tmp_path, [], [], {"table": TABLE, "rating_scale": 7})
    ratings, shares = drawn["evaluation"].axes
    assert [label.get_text() for label in ratings.get_yticklabels()] == [
        "alignment",
        "engagement",
        "combined",
    ]
    rows = " ".join(label.get_text() for label in shares.get_yticklabels())
    assert "moved to good" in rows
    assert "prefers good" in rows


def test_a_rating_that_is_missing_everywhere_leaves_a_gap(
    drawn: dict[str, Figure], tmp_path: Path
) -> None:
    unrated = [replace(one, observations=()) for one in interactions(1, 2)]
    figures.plot_run(tmp_path, unrated, [], {})
    assert drawn["ratings"].axes[0].get_title() == "alignment"


def test_histograms_share_their_axes(drawn: dict[str, Figure], tmp_path: Path) -> None:
    figures.plot_histograms(tmp_path, of_society(interactions(1, 3), 7))
    limits = {(axes.get_xlim(), axes.get_ylim()) for axes in drawn["histograms"].axes}
    assert len(limits) == 1


@pytest.mark.parametrize(
    ("method", "row", "title", "unit"),
    [
        ("stable_alignment", {"loss": 1.0}, "stable alignment: loss", "loss (nats per token)"),
        ("dpo", {"loss": 1.0}, "dpo: loss", "loss"),
        ("rlhf", {"loss": 0.0, "reward": 2.0}, "rlhf: reward", "reward"),
    ],
)
def test_a_training_is_drawn_as_what_its_method_goes_by(
    drawn: dict[str, Figure],
    tmp_path: Path,
    method: str,
    row: dict[str, float],
    title: str,
    unit: str,
) -> None:
    figures.plot_run(tmp_path, [], [{"step": 1, **row}, {"step": 2, **row}], {}, method)
    (axes,) = drawn["loss"].axes
    assert (axes.get_title(), axes.get_ylabel()) == (title, unit)
    first: Any = axes.get_lines()[0].get_ydata()
    assert list(first) == [row.get(unit, row["loss"])] * 2
