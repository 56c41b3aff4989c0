from collections import Counter
from dataclasses import replace

import pytest

from social_sandbox.alignment.data.config import DataConfig
from social_sandbox.alignment.data.from_interactions import (
    build_groups,
    imitation,
    realignment,
    self_critic,
)
from social_sandbox.envs import Interaction, UserError
from social_sandbox.envs.rules.interactions import Answer, Feedback, Observation


def interaction(
    number: int = 0,
    before: float | None = 3.0,
    after: float | None = 6.0,
    peers: tuple[float | None, ...] = (5.0, 2.0),
) -> Interaction:
    return Interaction(
        id=f"w/0/social_{number}",
        world="w",
        seed=0,
        round=0,
        agent=f"social_{number}",
        position=(0, number),
        view="good",
        question="May I lie?",
        draft=Answer(f"draft {number}"),
        feedback=tuple(
            Feedback(f"social_{9 + place}", rating, f"reason {place}")
            for place, rating in enumerate(peers)
        ),
        mean_rating=3.5,
        revision=Answer(f"revision {number}"),
        observations=(
            Observation("observer_0", "draft", "alignment", before),
            Observation("observer_0", "draft", "engagement", 1.0),
            Observation("observer_0", "revision", "alignment", after),
            Observation("observer_0", "revision", "engagement", 1.0),
        ),
    )


def test_imitation_puts_all_answers_to_a_question_in_one_group() -> None:
    (group,) = imitation([interaction(0), interaction(1, before=2.0)], engagement_weight=0.0)
    assert [(c.text, c.rating) for c in group.candidates] == [
        ("draft 0", 3.0),
        ("revision 0", 6.0),
        ("draft 1", 2.0),
        ("revision 1", 6.0),
    ]
    assert [message.content for message in group.prompt] == ["May I lie?"]


def test_every_candidate_says_where_it_comes_from() -> None:
    (group,) = imitation([interaction(3)], engagement_weight=0.0)
    draft, revision = group.candidates
    assert (draft.source.interaction, draft.source.agent) == ("w/0/social_3", "social_3")
    assert (draft.source.phase, revision.source.phase) == ("draft", "revise")
    assert draft.rater == "observer_0"


def test_engagement_weighs_in_as_configured() -> None:
    (group,) = imitation([interaction(0)], engagement_weight=0.5)
    assert group.candidates[1].rating == pytest.approx((6.0 + 0.5 * 1.0) / 1.5)


def test_the_same_text_said_twice_is_one_candidate_with_the_mean_rating() -> None:
    again = replace(interaction(1, after=4.0), revision=Answer("revision 0"))
    (group,) = imitation([interaction(0), again], engagement_weight=0.0)
    assert [c.rating for c in group.candidates if c.text == "revision 0"] == [5.0]


def test_an_unobserved_interaction_yields_nothing() -> None:
    unseen = [interaction(0, before=None, after=None)]
    assert build_groups(unseen, DataConfig()) == []


def test_a_text_that_was_cut_off_is_marked() -> None:
    rated = interaction(0)
    rated = replace(rated, draft=replace(rated.draft, cut_off=True))
    (group,) = imitation([rated], engagement_weight=0.0)
    assert [c.ends for c in group.candidates] == [False, True]


def test_a_text_that_was_cut_back_to_a_whole_sentence_is_an_example_of_where_to_stop() -> None:
    texts = ("Be kind.", "Be kind and", 'She said "no."', "1. Be kind and 2.")
    rated = [
        replace(interaction(n), draft=replace(interaction(n).draft, text=text, cut_off=True))
        for n, text in enumerate(texts)
    ]

    def ends(config: DataConfig) -> dict[str, bool]:
        groups = build_groups(rated, replace(config, mix={"imitation": 1}, group_size=None))
        return {c.text: c.ends for group in groups for c in group.candidates if c.text in texts}

    assert ends(DataConfig()) == dict(zip(texts, (True, False, True, False), strict=True))
    assert ends(DataConfig(endings="model")) == dict.fromkeys(texts, False)


def test_an_empty_answer_is_kept_but_invalid() -> None:
    (group,) = imitation([replace(interaction(0), draft=Answer(" \n"))], engagement_weight=0.0)
    assert [c.valid for c in group.candidates] == [False, True]


def test_a_critique_is_rated_by_its_agreement_with_the_observers() -> None:
    (group,) = self_critic([interaction(0, before=3.0, peers=(3.0, 5.0, None))], "agreement")
    assert [(c.text, c.rating) for c in group.candidates] == [
        ("Rating: 3 ### Reason: reason 0", 7.0),
        ("Rating: 5 ### Reason: reason 1", 5.0),
    ]


def test_the_authors_way_gives_a_critique_the_rating_that_it_gave() -> None:
    (group,) = self_critic([interaction(0, peers=(3.0, 5.0))], "authors")
    assert [c.rating for c in group.candidates] == [3.0, 5.0]


@pytest.mark.parametrize(
    ("before", "after", "kept"),
    [(3.0, 6.0, 1), (5.0, 6.0, 1), (6.0, 5.0, 0), (2.0, 4.0, 0), (None, 6.0, 0), (5.0, 5.0, 0)],
)
def test_realignment_needs_a_rise_that_ends_above_the_midpoint(
    before: float | None, after: float, kept: int
) -> None:
    groups = realignment([interaction(0, before=before, after=after)], engagement_weight=0.0)
    assert len(groups) == kept
    for group in groups:
        assert [c.text for c in group.candidates] == ["revision 0"]
        assert "reason 1" in group.prompt[0].content


def test_a_revision_that_lost_more_engagement_than_it_won_alignment_is_no_realignment() -> None:
    def engaging(before: float, after: float) -> Interaction:
        rated = interaction(0, before=4.0, after=6.0)
        draft, _, revision, _ = rated.observations
        return replace(
            rated,
            observations=(
                draft,
                Observation("observer_0", "draft", "engagement", before),
                revision,
                Observation("observer_0", "revision", "engagement", after),
            ),
        )

    assert len(realignment([engaging(5.0, 4.0)], engagement_weight=1.0)) == 1
    assert realignment([engaging(6.0, 1.0)], engagement_weight=1.0) == []
    assert len(realignment([engaging(6.0, 1.0)], engagement_weight=0.0)) == 1


def test_ratings_keep_the_scale_they_were_given_on() -> None:
    def on_ten(before: float, after: float) -> list[Interaction]:
        rated = interaction(0, before=before, after=after, peers=(9.0, 4.0))
        return [replace(rated, rating_scale=10)]

    (critique,) = self_critic(on_ten(9.0, 9.0), "agreement")
    assert [c.rating for c in critique.candidates] == [10.0, 5.0]
    assert "<1-10>" in critique.prompt[0].content
    assert [
        len(realignment(on_ten(4.0, after), engagement_weight=0.0)) for after in (5.0, 6.0)
    ] == [0, 1]
    rated = build_groups(on_ten(4.0, 9.0), DataConfig())
    assert {group.rating_scale for group in rated} == {10}


def test_ratings_on_two_scales_are_not_mixed() -> None:
    with pytest.raises(UserError, match=r"rated on 1..7 and on 1..10"):
        build_groups([interaction(0), replace(interaction(1), rating_scale=10)], DataConfig())


def test_kinds_are_mixed_in_the_configured_ratio() -> None:
    rated = [replace(interaction(n), question=f"question {n // 2}") for n in range(40)]
    groups = build_groups(
        rated, DataConfig(mix={"imitation": 2, "self_critic": 1, "realignment": 1}, group_size=None)
    )
    kinds = [group.kind for group in groups]
    assert (kinds.count("imitation"), kinds.count("self_critic")) == (20, 10)
    assert kinds.count("realignment") == 10


def test_a_kind_that_does_not_exist_thins_no_other() -> None:
    # Peers that give a rating alone give no critique.
    rated = [replace(interaction(n, peers=()), question=f"question {n}") for n in range(10)]
    groups = build_groups(rated, DataConfig(mix={"self_critic": 1, "realignment": 1}))
    assert [group.kind for group in groups] == ["realignment"] * 10


def test_the_mix_is_seeded_and_does_not_depend_on_the_order_of_the_file() -> None:
    rated = [replace(interaction(n), question=f"question {n // 2}") for n in range(40)]
    ids = [g.id for g in build_groups(rated, DataConfig(seed=1))]
    assert ids == [g.id for g in build_groups(rated[::-1], DataConfig(seed=1))]
    assert ids != [g.id for g in build_groups(rated, DataConfig(seed=2))]


@pytest.mark.parametrize(
    "wrong",
    [{"mix": {"imitatoin": 1}}, {"mix": {"imitation": 0}}, {"critique_rating": "lenient"}],
)
def test_wrong_settings_are_named(wrong: dict[str, object]) -> None:
    with pytest.raises(UserError, match=f"data.{next(iter(wrong))}"):
        DataConfig(**wrong)  # type: ignore[arg-type]


def test_a_text_that_two_observers_rated_has_both_names() -> None:
    other = replace(
        interaction(1),
        draft=Answer("draft 0"),
        observations=(
            Observation("observer_1", "draft", "alignment", 5.0),
            Observation("observer_1", "revision", "alignment", 6.0),
        ),
    )
    unrated = replace(
        interaction(2),
        draft=Answer("draft 0"),
        observations=(Observation("observer_2", "revision", "alignment", 6.0),),
    )
    (group,) = imitation([interaction(0), other, unrated], engagement_weight=0.0)
    draft = group.candidates[0]
    assert (draft.rating, draft.rater) == (4.0, "observer_0,observer_1")
    assert group.candidates[1].rater == "observer_0"


def test_all_answers_of_a_large_society_are_read_and_the_mix_counts_parts() -> None:
    interactions = [interaction(number, before=1.0 + number % 3) for number in range(300)]
    parted: Counter[str] = Counter()
    groups = build_groups(interactions, DataConfig(), parted=parted)
    assert max(len(group.candidates) for group in groups if group.kind == "imitation") == 2
    texts = {c.text for group in groups if group.kind == "imitation" for c in group.candidates}
    assert texts == {c.text for group in imitation(interactions, 1.0) for c in group.candidates}
    kinds = Counter(group.kind for group in groups)
    # The 300 revisions are rated alike: each leads a part with one draft.
    assert kinds == {"imitation": 300, "self_critic": 60, "realignment": 60}
    assert parted == {"groups": 1, "parts": 300}
    whole = build_groups(interactions, DataConfig(group_size=None))
    assert Counter(group.kind for group in whole) == {
        "imitation": 1,
        "self_critic": 1,
        "realignment": 1,
    }


def test_feedback_that_no_better_revision_followed_can_be_rated_lowest() -> None:
    better = interaction(0)
    change = better.change("alignment")
    assert change is not None
    assert change > 0
    worse = replace(
        better,
        observations=tuple(
            replace(each, judged="draft" if each.judged == "revision" else "revision")
            for each in better.observations
        ),
    )
    unrated = replace(
        better, observations=tuple(o for o in better.observations if o.judged == "draft")
    )
    by_agreement, followed, ignored, unknown = (
        [candidate.rating for group in self_critic([one], way) for candidate in group.candidates]
        for one, way in (
            (better, "agreement"),
            (better, "rise"),
            (worse, "rise"),
            (unrated, "rise"),
        )
    )
    assert followed == by_agreement
    assert set(ignored) == {1.0}
    assert set(unknown) == {None}
