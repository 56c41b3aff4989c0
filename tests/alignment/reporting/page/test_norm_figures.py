"""The page's figures of norms."""

from social_sandbox.alignment.evaluation.spread import Share, spread_rows
from social_sandbox.alignment.reporting.page.figures.norms import norm_figures


def test_a_norm_has_a_figure_for_each_way_to_part_the_society() -> None:
    shares = [
        Share("brief", "round", 0, "draft", 0.5, 0.25, 0.75, 4, 8),
        Share("brief", "round", 0, "revision", 0.75, None, None, 1, 8),
        Share("brief", "view", "good", "draft", 0.5, 0.25, 0.75, 4, 8),
    ]
    by_round, by_view = norm_figures({"shares": spread_rows(shares)})
    assert (by_round.id, by_round.kind, by_view.kind) == ("norm-brief-round", "line", "bars")
    assert [series.name for series in by_round.series] == ["draft", "revision"]
    assert by_round.series[0].points[0].high == 0.75
    assert list(norm_figures({})) == []
