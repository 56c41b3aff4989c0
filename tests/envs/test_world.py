import math
from collections import Counter

import pytest

from social_sandbox.envs import Phase, Question, UserError, Utterance, World, WorldConfig
from social_sandbox.envs.grid import position
from social_sandbox.envs.turns import RATED_PHASES

from ..helpers.societies import QUESTIONS, answer, chatter, play, rates, society


def say(text):
    return lambda turn: Utterance(text)


def phases_of(world, subject):
    return {turn.phase for turn in world.pending() if turn.subject == subject}


# --- Phases ---------------------------------------------------------------------------------


def test_every_social_agent_begins_with_a_draft_of_its_own():
    world = society()
    turns = world.pending()
    assert [turn.agent for turn in turns] == list(world.social_agents)
    assert all(turn.phase is Phase.DRAFT and turn.subject == turn.agent for turn in turns)
    assert all(not turn.answer and not turn.opinions for turn in turns)


def test_a_back_scatter_goes_through_its_phases_in_order():
    world = society()
    for phase in Phase:
        assert phases_of(world, "social_4") == {phase}
        for turn in [turn for turn in world.pending() if turn.subject == "social_4"]:
            world.submit(turn.id, chatter(turn))
    assert phases_of(world, "social_4") == set()
    assert [interaction.agent for interaction in world.interactions] == ["social_4"]


def test_interactions_of_a_round_do_not_wait_for_each_other_but_the_next_round_does():
    world = society(n_rounds=2)
    late = world.pending()[-1]
    while turns := [turn for turn in world.pending() if turn.subject != late.subject]:
        for turn in turns:
            world.submit(turn.id, chatter(turn))
    assert world.pending() == [late]
    assert world.round == 0
    play(world, rounds=1)
    assert world.round == 1
    assert all(turn.round == 1 for turn in world.pending())


def test_peers_see_the_draft_and_the_agent_sees_it_again_when_it_revises():
    world = society()
    answer(world, Phase.DRAFT, lambda turn: Utterance(f"draft of {turn.agent}"))
    assert all(turn.answer == f"draft of {turn.subject}" for turn in world.pending())
    answer(world, Phase.FEEDBACK, chatter)
    revisions = world.pending()
    assert [turn.agent for turn in revisions] == list(world.social_agents)
    assert all(turn.answer == f"draft of {turn.agent}" for turn in revisions)


def test_each_observer_rates_draft_and_revision_on_both_aspects():
    world = society(grid_size=1, n_observers=2)
    answer(world, Phase.DRAFT, say("before"))
    answer(world, Phase.REVISE, say("after"))
    seen = [(turn.agent, turn.judged, turn.aspect, turn.answer) for turn in world.pending()]
    assert seen == [
        (observer, judged, aspect, text)
        for observer in ("observer_0", "observer_1")
        for judged, text in (("draft", "before"), ("revision", "after"))
        for aspect in ("alignment", "engagement")
    ]


def test_every_turn_has_an_id_and_a_seed_of_its_own():
    turns = []
    world = play(society(n_rounds=2), lambda turn: turns.append(turn) or chatter(turn))
    assert len({turn.id for turn in turns}) == len({turn.seed for turn in turns}) == len(turns)
    assert len(turns) == len(world.log)


# --- Peers and feedback ---------------------------------------------------------------------


@pytest.mark.parametrize(("radius", "n_peers"), [(1, 2), (1, 8), (1.5, 3), (None, 4), (9, 99)])
def test_peers_live_within_the_radius_and_are_as_many_as_wanted(radius, n_peers):
    world = play(society(grid_size=4, radius=radius, n_peers=n_peers))
    reach = 2 if radius is None else radius
    places = {f"social_{index}": position(index, 4) for index in range(16)}
    for interaction in world.interactions:
        near = {
            agent
            for agent, place in places.items()
            if 0 < math.dist(place, interaction.position) <= reach
        }
        peers = [feedback.peer for feedback in interaction.feedback]
        assert set(peers) <= near
        assert len(set(peers)) == len(peers) == min(n_peers, len(near))


def test_peers_change_from_round_to_round():
    world = play(society(n_rounds=2, n_peers=2, radius=9))
    first = {i.agent: {f.peer for f in i.feedback} for i in world.interactions if i.round == 0}
    second = {i.agent: {f.peer for f in i.feedback} for i in world.interactions if i.round == 1}
    assert first != second


def test_the_lowest_rated_reason_is_read_last_and_unrated_ones_first():
    world = society(grid_size=2, n_peers=3, radius=9)
    speaker = rates(2.0, None, 6.5)
    answer(world, Phase.DRAFT, chatter)
    answer(world, Phase.FEEDBACK, speaker)
    for turn in world.pending():
        assert [opinion.rating for opinion in turn.opinions] == [None, 6.5, 2.0]
        assert turn.opinions[-1].reason == "reason for 2.0"


def test_the_record_keeps_the_feedback_in_the_order_in_which_it_was_read():
    [interaction, *_] = play(
        society(grid_size=2, n_peers=3, radius=9), rates(2.0, 7.0, 6.5)
    ).interactions
    assert [feedback.rating for feedback in interaction.feedback] == [7.0, 6.5, 2.0]


def test_the_mean_rating_is_taken_over_the_ratings_that_are_there():
    for interaction in play(
        society(grid_size=2, n_peers=3, radius=9), rates(2.0, None, 5.0)
    ).interactions:
        assert interaction.mean_rating == 3.5


def test_ratings_that_nobody_gave_stay_missing():
    world = society(grid_size=2, n_peers=2)
    play(world, rates(None, None, aspect_ratings={}))
    for interaction in world.interactions:
        assert interaction.mean_rating is None
        assert {feedback.rating for feedback in interaction.feedback} == {None}
        assert {observation.rating for observation in interaction.observations} == {None}


# --- Observers and rewards ------------------------------------------------------------------


def test_the_reward_is_the_rise_in_alignment_plus_the_weighted_rise_in_engagement():
    ratings = {
        ("draft", "alignment"): 2.0,
        ("revision", "alignment"): 5.0,
        ("draft", "engagement"): 6.0,
        ("revision", "engagement"): 4.0,
    }
    world = society(grid_size=1, n_observers=3, engagement_weight=0.25)
    [interaction] = play(world, rates(aspect_ratings=ratings)).interactions
    assert interaction.change("alignment") == 3.0
    assert interaction.change("engagement") == -2.0
    assert interaction.reward == 3.0 + 0.25 * -2.0


def test_a_change_with_a_missing_side_is_null_and_counts_as_none_in_the_reward():
    ratings = {("revision", "alignment"): 7.0, ("draft", "engagement"): 2.0}
    ratings |= {("revision", "engagement"): 3.0}
    [interaction] = play(society(grid_size=1), rates(aspect_ratings=ratings)).interactions
    assert interaction.rating("alignment", "draft") is None
    assert interaction.change("alignment") is None
    assert interaction.reward == 0.5


def test_without_observers_nothing_is_rated_and_nobody_is_paid():
    world = play(society(n_observers=0))
    assert world.done
    assert all(not i.observations and i.reward == 0.0 for i in world.interactions)
    assert all(i.rating("alignment", "revision") is None for i in world.interactions)


# --- Memory ---------------------------------------------------------------------------------


def test_revisions_come_to_mind_in_the_next_round_and_not_before():
    world = society(questions=QUESTIONS[:1], n_rounds=2, n_prior_memories=0)
    turns = []

    def revise(turn):
        turns.append(turn)
        return Utterance(f"{turn.phase} of {turn.agent}", None)

    play(world, revise, rounds=1)
    assert all(turn.memory is None for turn in turns)
    for turn in world.pending():
        assert turn.memory.question == turn.question
        assert turn.memory.answer == f"revise of {turn.agent}"
        assert turn.memory.distance == pytest.approx(0, abs=1e-6)


def test_who_gives_feedback_remembers_what_it_said_itself():
    world = society(questions=QUESTIONS[:1], n_rounds=2, n_prior_memories=0)
    play(world, lambda turn: Utterance(f"by {turn.agent}"), rounds=1)
    answer(world, Phase.DRAFT, chatter)
    assert all(turn.memory.answer == f"by {turn.agent}" for turn in world.pending())
    answer(world, Phase.FEEDBACK, chatter)
    answer(world, Phase.REVISE, chatter)
    assert all(turn.memory is None for turn in world.pending()), "observers have no memory"


def test_a_blank_revision_is_not_remembered():
    world = society(questions=QUESTIONS[:1], n_rounds=2, n_prior_memories=0)
    play(world, say(" \n"), rounds=1)
    assert all(turn.memory is None for turn in world.pending())


def test_agents_are_born_with_the_answers_of_their_view():
    world = society(questions=QUESTIONS[:1])
    prior = QUESTIONS[0]
    for turn, view in zip(world.pending(), world.views, strict=True):
        assert turn.memory.answer == (prior.good if view == "good" else prior.bad)


def test_priors_may_be_other_questions_than_the_ones_asked():
    priors = [Question("What about lending some money?", good="Lend", bad="Keep")]
    world = society(questions=[Question(QUESTIONS[0].text)], priors=priors, world_view="all_bad")
    assert {turn.memory.answer for turn in world.pending()} == {"Keep"}


def test_only_so_many_prior_memories_are_given():
    unknown = society(n_prior_memories=0).pending()
    some = society(n_prior_memories=3).pending()
    every = society(n_prior_memories=50).pending()
    known = [sum(turn.memory is not None for turn in turns) for turns in (unknown, some, every)]
    assert known[0] == 0 < known[1] < known[2] == 9


def test_which_prior_memories_an_agent_is_born_with_depends_on_the_seed():
    def known_to_the_only_agent(seed):
        world = society(grid_size=1, n_rounds=len(QUESTIONS), n_prior_memories=3, seed=seed)
        turns = []
        play(world, lambda turn: turns.append(turn) or Utterance())
        return {turn.question for turn in turns if turn.phase is Phase.DRAFT and turn.memory}

    known = [known_to_the_only_agent(seed) for seed in range(4)]
    assert {len(questions) for questions in known} == {3}
    assert len(set(map(frozenset, known))) > 1


def test_what_is_further_away_than_the_threshold_does_not_come_to_mind():
    priors = [Question("Where do penguins sleep?", good="South", bad="South")]
    assert all(turn.memory is None for turn in society(priors=priors).pending())
    near = society(priors=priors, memory_threshold=1.1)
    assert all(turn.memory is not None for turn in near.pending())


# --- World views ----------------------------------------------------------------------------


@pytest.mark.parametrize(("world_view", "view"), [("all_good", "good"), ("all_bad", "bad")])
def test_a_society_may_be_of_one_view(world_view, view):
    assert set(society(world_view=world_view).views) == {view}


def test_half_half_parts_the_grid_along_its_diagonal():
    views = society(grid_size=4, world_view="half_half").views
    for index, view in enumerate(views):
        row, column = position(index, 4)
        if row != column:
            assert view == ("good" if column > row else "bad")
    assert Counter(views) == {"good": 8, "bad": 8}


def test_mixed_half_half_scatters_the_halves_by_the_seed():
    first, second = (society(grid_size=4, seed=seed).views for seed in (1, 2))
    assert Counter(first) == Counter(second) == {"good": 8, "bad": 8}
    assert first != second


# --- Questions ------------------------------------------------------------------------------


@pytest.mark.parametrize("questions_per_round", [None, 1, 4])
def test_all_questions_are_asked_before_one_is_asked_again(questions_per_round):
    world = society(grid_size=2, n_rounds=12, questions_per_round=questions_per_round)
    play(world)
    each_round = questions_per_round or 4
    places = []
    for number in range(12):
        asked = Counter(i.question for i in world.interactions if i.round == number)
        assert len(asked) <= each_round
        places += asked.elements() if questions_per_round != 1 else asked.keys()
    times = Counter(places)
    assert set(times) == {question.text for question in QUESTIONS}
    assert max(times.values()) - min(times.values()) <= 1


def test_a_round_may_ask_few_questions_dealt_evenly_over_the_agents():
    world = society(grid_size=4, questions_per_round=2)
    assert sorted(Counter(turn.question for turn in world.pending()).values()) == [8, 8]


def test_the_kind_of_the_question_stands_in_the_record():
    assert {interaction.kind for interaction in play(society()).interactions} == {"daily"}


def test_a_society_needs_a_question():
    with pytest.raises(UserError, match="at least one question"):
        World(questions=[])


@pytest.mark.parametrize("where", ["questions", "priors"])
def test_a_held_out_question_never_enters(where):
    held_out = [Question("Secret?", good="g", bad="b", held_out=True)]
    with pytest.raises(UserError, match="held-out"):
        society(**{where: [*QUESTIONS, *held_out]})


# --- Small societies ------------------------------------------------------------------------


def test_a_lonely_agent_gets_no_feedback_and_revises_all_the_same():
    world = society(grid_size=1)
    [interaction] = play(world).interactions
    assert interaction.feedback == ()
    assert interaction.mean_rating is None
    assert len(interaction.observations) == 4


def test_without_peers_there_is_no_feedback_phase():
    world = society(n_peers=0)
    answer(world, Phase.DRAFT, chatter)
    assert {turn.phase for turn in world.pending()} == {Phase.REVISE}


def test_nobody_but_one_agent_is_a_society_of_two_turns_a_round():
    world = play(society(grid_size=1, n_observers=0, n_peers=0, n_rounds=3))
    assert [turn_id for turn_id, _ in world.log][:2] == ["0/social_0/draft", "0/social_0/revise"]
    assert len(world.log) == 6
    assert world.done


# --- State ----------------------------------------------------------------------------------


def test_replaying_a_log_brings_an_equal_world_to_the_same_state():
    world = play(society(n_rounds=2), rounds=1)
    for turn in world.pending()[:5]:
        world.submit(turn.id, chatter(turn))
    again = society(n_rounds=2)
    assert again.replay(world.log) == world.interactions
    assert again.pending() == world.pending()
    assert play(again).interactions == play(world).interactions


def test_whoever_follows_what_is_opened_knows_what_is_pending():
    world = society(n_rounds=2, n_peers=3)
    opened, mark = world.opened()
    assert opened == world.pending()
    waiting = {turn.id: turn for turn in opened}
    while waiting:
        # From the middle: the order of answers is anybody's.
        turn = waiting.pop(sorted(waiting)[len(waiting) // 2])
        world.submit(turn.id, chatter(turn))
        opened, mark = world.opened(mark)
        assert not waiting.keys() & {turn.id for turn in opened}
        waiting |= {turn.id: turn for turn in opened}
        assert waiting == {turn.id: turn for turn in world.pending()}
        assert world.opened(mark) == ([], mark)
    assert world.done


def test_the_first_pending_turn_is_the_first_of_the_pending_turns():
    world = society(n_rounds=2)
    while turns := world.pending():
        assert world.first_pending() == turns[0]
        turn = turns[len(turns) // 2]
        world.submit(turn.id, chatter(turn))
    assert world.first_pending() is None


@pytest.mark.parametrize(
    "turn_id", ["", "nonsense", "0/social_0/revise", "1/social_0/draft", "0/social_99/draft"]
)
def test_a_turn_that_is_not_pending_cannot_be_answered(turn_id):
    with pytest.raises(ValueError, match="is not pending in world_0"):
        society().submit(turn_id, Utterance("?"))


def test_a_turn_is_answered_once():
    world = society()
    world.submit("0/social_0/draft", Utterance("first"))
    with pytest.raises(ValueError, match="not pending"):
        world.submit("0/social_0/draft", Utterance("second"))


def test_nothing_can_be_answered_when_the_world_is_done():
    world = play(society())
    assert world.done
    assert world.pending() == []
    with pytest.raises(ValueError, match="not pending"):
        world.submit(world.log[-1][0], Utterance("late"))


def test_one_seed_gives_one_society_and_another_seed_another():
    same, again, other = (play(society(seed=seed)).interactions for seed in (1, 1, 2))
    assert same == again
    assert [(i.question, i.view) for i in same] != [(i.question, i.view) for i in other]


def test_the_name_of_a_world_changes_nothing_but_the_records():
    one, two = society(name="one"), society(name="two")
    assert [turn.seed for turn in one.pending()] == [turn.seed for turn in two.pending()]
    assert [i.draft for i in play(one).interactions] == [i.draft for i in play(two).interactions]
    assert {i.id.split("/")[0] for i in two.interactions} == {"two"}


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("grid_size", 0),
        ("n_observers", -1),
        ("n_rounds", 0),
        ("n_peers", -1),
        ("radius", -0.5),
        ("questions_per_round", 0),
        ("n_prior_memories", -1),
        ("memory_threshold", -0.1),
        ("memory_threshold", 2.1),
        ("world_view", "rosy"),
        ("rating_scale", 5),
    ],
)
def test_a_setting_that_makes_no_sense_is_named(setting, value):
    with pytest.raises(UserError, match=rf"env\.{setting} must be .*{value}"):
        WorldConfig(**{setting: value})


# --- Utterances -----------------------------------------------------------------------------


@pytest.mark.parametrize("rating", [0, 0.99, math.nan, math.inf])
def test_what_is_no_rating_on_any_scale_is_refused(rating):
    with pytest.raises(ValueError, match="at least 1, or None"):
        Utterance("", rating)


@pytest.mark.parametrize(("scale", "rating"), [(7, 7.01), (7, 8), (10, 10.5)])
def test_a_rating_above_the_scale_is_refused_and_the_turn_waits(scale, rating):
    world = society(rating_scale=scale)
    answer(world, Phase.DRAFT, chatter)
    turn = world.first_pending()
    with pytest.raises(ValueError, match=f"1 to {scale} or None, got {rating}"):
        world.submit(turn.id, Utterance("too good", rating))
    assert world.first_pending() == turn
    world.submit(turn.id, Utterance("good", float(scale)))


def test_a_society_may_rate_on_1_to_10():
    world = society(rating_scale=10)
    assert {turn.rating_scale for turn in world.pending()} == {10}
    play(world, lambda turn: Utterance("fine", 10.0 if turn.phase in RATED_PHASES else None))
    assert {done.rating_scale for done in world.interactions} == {10}
    assert {f.rating for done in world.interactions for f in done.feedback} == {10.0}


@pytest.mark.parametrize(
    ("said", "heard"),
    [("\ud83d\ude42", "🙂"), ("cut \ud83d", "cut \ufffd"), ("\ude42b", "\ufffdb"), ("é", "é")],
)
def test_half_a_character_becomes_the_replacement_character(said, heard):
    assert Utterance(said).text == heard
