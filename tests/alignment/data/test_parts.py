"""Tests of large groups in parts."""

from collections import Counter

import pytest

from social_sandbox.alignment.data.groups import Candidate, RatedGroup, trainable
from social_sandbox.alignment.data.parts import contrasted, in_parts
from tests.helpers.tiny import rated


def large(*ratings: float | None, name: str = "g") -> RatedGroup:
    return rated(name, *((f"answer {number}", rating) for number, rating in enumerate(ratings)))


def ratings_of(part: RatedGroup) -> list[float | None]:
    return sorted((c.rating for c in part.candidates), key=lambda rating: -(rating or 0.0))


def test_a_group_that_fits_stays_as_it_is() -> None:
    groups = [large(7.0, 7.0, 1.0), large(3.0, None, 2.0, 1.0), large()]
    assert list(in_parts(groups, 3, seed=0)) == groups


def test_every_other_candidate_of_a_large_group_is_in_one_part_led_by_the_best_tenth() -> None:
    group = large(*(1 + 6 * number / 999 for number in range(1000)))
    parts = list(in_parts([group], 3, seed=0))
    times = Counter(c for part in parts for c in part.candidates)
    assert set(times) == set(group.candidates)
    # The first hundred lead the 450 parts in turn; the others are read once.
    assert [times[c] for c in group.candidates[:900]] == [1] * 900
    assert {times[c] for c in group.candidates[900:]} == {4, 5}
    assert len({part.id for part in parts}) == len(parts) == 450
    assert max(len(part.candidates) for part in parts) == 3
    for part in parts:
        best, *others = ratings_of(part)
        assert best is not None
        assert best > 6.3
        assert all((other or 0.0) < best for other in others)


def test_a_badly_rated_response_never_leads() -> None:
    parts = list(in_parts([large(7.0, 2.0, 2.0, 1.0, 3.0, 1.0)], 3, seed=0))
    assert [ratings_of(part) for part in parts] == [[7.0, 3.0, 1.0], [7.0, 2.0, 1.0], [7.0, 2.0]]


def test_the_best_of_a_bad_group_leads_all_its_parts() -> None:
    parts = list(in_parts([large(2.0, 1.5, 1.0, 1.0)], 2, seed=0))
    assert [ratings_of(part)[0] for part in parts] == [2.0, 2.0, 2.0]


def test_responses_that_are_tied_with_the_best_lead_parts_of_their_own() -> None:
    parts = list(in_parts([large(7.0, 7.0, 7.0, 1.0)], 3, seed=0))
    assert sorted(map(ratings_of, parts)) == [[7.0], [7.0], [7.0, 1.0]]
    assert sum(len(contrasted(part.candidates)) for part in parts) == 4


def test_an_untrainable_candidate_is_kept_once() -> None:
    parts = list(in_parts([large(7.0, None, 6.0, 5.0, 4.0, None)], 2, seed=0))
    assert sum(not trainable(c) for part in parts for c in part.candidates) == 2
    assert len({c for part in parts for c in part.candidates if trainable(c)}) == 4


def test_parts_of_one_are_the_best_response_alone() -> None:
    (part,) = in_parts([large(2.0, 7.0, 3.0)], 1, seed=0)
    assert [c.text for c in part.candidates] == ["answer 1"]


@pytest.mark.parametrize("size", [2, 3, 5])
def test_parts_depend_on_the_seed_and_not_on_the_order_of_the_candidates(size: int) -> None:
    group = large(*([6.0] * 8 + [3.0] * 9 + [7.0]))
    backwards = RatedGroup(
        id=group.id, kind=group.kind, prompt=group.prompt, candidates=group.candidates[::-1]
    )

    def members(of: RatedGroup, seed: int) -> list[set[Candidate]]:
        return [set(part.candidates) for part in in_parts([of], size, seed)]

    assert members(group, 0) == members(backwards, 0) != members(group, 1)


def test_a_contrast_uses_the_first_of_the_best_and_all_that_are_rated_lower() -> None:
    group = large(2.0, 7.0, 1.0, 7.0, 3.0, None)
    texts = [candidate.text for candidate in contrasted(group.candidates)]
    assert texts == ["answer 0", "answer 1", "answer 2", "answer 4"]
    assert contrasted(large(None).candidates) == ()
