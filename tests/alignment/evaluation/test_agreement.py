"""Krippendorff's alpha, compared with examples that were computed by hand."""

import pytest

from social_sandbox.alignment.evaluation.agreement import krippendorff_alpha


def test_alpha_of_names_is_that_of_the_formula() -> None:
    # Two raters, four units, one disagreement. Of the 8 values 5 are 1 and 3 are 0. Observed
    # disagreement: 2 / 8. Expected: 2 * 5 * 3 / (8 * 7). alpha = 1 - 0.25 / 0.5357.
    units = [{"Ann": 1, "Bob": 1}, {"Ann": 0, "Bob": 0}, {"Ann": 1, "Bob": 0}, {"Ann": 1, "Bob": 1}]
    assert krippendorff_alpha(units, "nominal") == pytest.approx(1 - 0.25 / (30 / 56))


def test_values_of_one_rater_alone_do_not_count() -> None:
    units = [{"Ann": 1, "Bob": 1}, {"Ann": 3, "Bob": 3}]
    assert krippendorff_alpha([*units, {"Ann": 7}], "ordinal") == pytest.approx(1)


@pytest.mark.parametrize("units", [[], [{"Ann": 1}, {"Bob": 2}], [{"Ann": 4, "Bob": 4}] * 3])
def test_where_nothing_can_differ_there_is_no_alpha(units: list[dict[str, float]]) -> None:
    assert krippendorff_alpha(units, "nominal") is None
