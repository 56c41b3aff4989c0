"""Intervals over seeds and the questions that each of them has answered."""

import numpy as np
import pytest

from social_sandbox.alignment.evaluation.intervals import SeedsEstimate, estimate_over_seeds


def values(
    rng: np.random.Generator, seeds: int, of_seed: float, of_unit: float, *, shared: bool
) -> dict[int, dict[str, float]]:
    """Values of 40 units a seed, with effects of the seed and of the unit."""
    effects = rng.normal(0, of_unit, 40)
    made = {}
    for seed in range(seeds):
        if not shared:
            effects = rng.normal(0, of_unit, 40)
        each = rng.normal(0, of_seed) + effects
        made[seed] = {f"{'q' if shared else seed}{i}": float(v) for i, v in enumerate(each)}
    return made


def test_the_mean_is_that_of_the_seeds_means() -> None:
    estimate = estimate_over_seeds({0: {"a": 1.0, "b": 3.0}, 1: {"a": 6.0}}, 100, 0)
    assert estimate is not None
    assert (estimate.mean, estimate.seeds, estimate.n) == (4.0, 2, 3)


def test_nothing_and_a_single_value_have_no_interval() -> None:
    assert estimate_over_seeds({}, 100, 0) is None
    assert estimate_over_seeds({0: {}}, 100, 0) is None
    assert estimate_over_seeds({3: {"whole": 2.0}}, 100, 0) == SeedsEstimate(2.0, None, None, 1, 1)


def test_the_interval_depends_on_the_seed_of_its_draws_alone() -> None:
    given = values(np.random.default_rng(0), 3, 1.0, 1.0, shared=True)
    turned = dict(reversed(given.items()))
    assert estimate_over_seeds(given, 500, 0) == estimate_over_seeds(turned, 500, 0)
    assert estimate_over_seeds(given, 500, 0) != estimate_over_seeds(given, 500, 1)


@pytest.mark.parametrize("shared", [True, False])
def test_intervals_hold_the_truth_about_as_often_as_they_say(shared: bool) -> None:
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(80):
        given = values(rng, 8, 0.3, 1.0, shared=shared)
        estimate = estimate_over_seeds(given, 300, 0)
        assert estimate is not None
        assert estimate.low is not None
        assert estimate.high is not None
        held += estimate.low <= 0 <= estimate.high
    assert 0.85 <= held / 80 <= 1


def test_shared_questions_are_drawn_for_all_seeds_at_once() -> None:
    """Ten seeds that answer alike are no ten times as many questions."""
    rng = np.random.default_rng(0)
    alike = values(rng, 10, 0.0, 1.0, shared=True)
    apart = {seed: {f"{seed}{q}": v for q, v in row.items()} for seed, row in alike.items()}
    widths = []
    for given in (alike, apart):
        estimate = estimate_over_seeds(given, 500, 0)
        assert estimate is not None
        assert estimate.low is not None
        assert estimate.high is not None
        widths.append(estimate.high - estimate.low)
    assert widths[0] > 2 * widths[1]
