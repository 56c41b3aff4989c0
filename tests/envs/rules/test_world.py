import math
from collections import Counter

import pytest

from social_sandbox.envs import Phase, Question, UserError, Utterance, World, WorldConfig
from social_sandbox.envs.rules.grid import position
from social_sandbox.envs.rules.turns import RATED_PHASES

from ...helpers.societies import QUESTIONS, answer, chatter, play, society


def say(text):
    return lambda turn: Utterance(text)


# --- Turns -----------------------------------------------------------------------------------


def test_every_social_agent_begins_with_a_draft_of_its_own():
    world = society()
    turns = world.pending()
    assert [turn.agent for turn in turns] == list(world.social_agents)
    assert all(turn.phase is Phase.DRAFT and turn.subject == turn.agent for turn in turns)
    assert all(not turn.answer and not turn.opinions for turn in turns)


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


def test_the_ids_and_the_seeds_of_turns_are_unique():
    turns = []
    world = play(society(n_rounds=2), lambda turn: turns.append(turn) or chatter(turn))
    assert len({turn.id for turn in turns}) == len({turn.seed for turn in turns}) == len(turns)
    assert len(turns) == len(world.log)


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
    assert {interaction.rating_scale for interaction in world.interactions} == {10}
    assert {f.rating for interaction in world.interactions for f in interaction.feedback} == {10.0}


# --- Peers -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("radius", "n_peers"), [(1, 2), (1, 8), (1.5, 3), (None, 4), (9, 99)])
def test_peers_live_within_the_radius_and_their_number_is_a_setting(radius, n_peers):
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


# --- Memory ----------------------------------------------------------------------------------


def test_revisions_are_recalled_from_the_next_round_on():
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


def test_a_peer_recalls_its_own_answers():
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


def test_prior_memories_are_answers_of_the_agents_view():
    world = society(questions=QUESTIONS[:1])
    prior = QUESTIONS[0]
    for turn, view in zip(world.pending(), world.views, strict=True):
        assert turn.memory.answer == (prior.good if view == "good" else prior.bad)


def test_priors_may_be_other_questions_than_the_ones_asked():
    priors = [Question("What about lending some money?", good="Lend", bad="Keep")]
    world = society(questions=[Question(QUESTIONS[0].text)], priors=priors, world_view="all_bad")
    assert {turn.memory.answer for turn in world.pending()} == {"Keep"}


def test_the_number_of_prior_memories_is_a_setting():
    societies = (society(n_prior_memories=number) for number in (0, 3, 50))
    counts = [sum(turn.memory is not None for turn in world.pending()) for world in societies]
    assert counts[0] == 0 < counts[1] < counts[2] == 9


def test_the_choice_of_prior_memories_depends_on_the_seed():
    def remembered_questions(seed):
        world = society(grid_size=1, n_rounds=len(QUESTIONS), n_prior_memories=3, seed=seed)
        turns = []
        play(world, lambda turn: turns.append(turn) or Utterance())
        return {turn.question for turn in turns if turn.phase is Phase.DRAFT and turn.memory}

    memories = [remembered_questions(seed) for seed in range(4)]
    assert {len(questions) for questions in memories} == {3}
    assert len(set(map(frozenset, memories))) > 1


def test_questions_beyond_the_threshold_are_not_recalled():
    priors = [Question("Where do penguins sleep?", good="South", bad="South")]
    assert all(turn.memory is None for turn in society(priors=priors).pending())
    near = society(priors=priors, memory_threshold=1.1)
    assert all(turn.memory is not None for turn in near.pending())


# --- Questions -------------------------------------------------------------------------------


@pytest.mark.parametrize("questions_per_round", [None, 1, 4])
def test_all_questions_are_asked_before_one_is_asked_again(questions_per_round):
    world = society(grid_size=2, n_rounds=12, questions_per_round=questions_per_round)
    play(world)
    each_round = questions_per_round or 4
    places = []
    for number in range(12):
        counts = Counter(i.question for i in world.interactions if i.round == number)
        assert len(counts) <= each_round
        places += counts.elements() if questions_per_round != 1 else counts.keys()
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


# --- Small societies -------------------------------------------------------------------------


def test_a_lonely_agent_revises_without_feedback():
    world = society(grid_size=1)
    [interaction] = play(world).interactions
    assert interaction.feedback == ()
    assert interaction.mean_rating is None
    assert len(interaction.observations) == 4


def test_without_peers_there_is_no_feedback_phase():
    world = society(n_peers=0)
    answer(world, Phase.DRAFT, chatter)
    assert {turn.phase for turn in world.pending()} == {Phase.REVISE}


def test_one_agent_without_observers_has_two_turns_a_round():
    world = play(society(grid_size=1, n_observers=0, n_peers=0, n_rounds=3))
    assert [turn_id for turn_id, _ in world.log][:2] == ["0/social_0/draft", "0/social_0/revise"]
    assert len(world.log) == 6
    assert world.done


# --- State -----------------------------------------------------------------------------------


def test_replaying_a_log_brings_an_equal_world_to_the_same_state():
    world = play(society(n_rounds=2), rounds=1)
    for turn in world.pending()[:5]:
        world.submit(turn.id, chatter(turn))
    again = society(n_rounds=2)
    assert again.replay(world.log) == world.interactions
    assert again.pending() == world.pending()
    assert play(again).interactions == play(world).interactions


def test_the_opened_turns_add_up_to_the_pending_turns():
    world = society(n_rounds=2, n_peers=3)
    opened, mark = world.opened()
    assert opened == world.pending()
    waiting = {turn.id: turn for turn in opened}
    while waiting:
        # Any order of answers will do: here from the middle.
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
def test_a_setting_out_of_range_is_named(setting, value):
    with pytest.raises(UserError, match=rf"^env\.{setting}: must be .*{value}"):
        WorldConfig(**{setting: value})


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"sed": 3}, r"world\.sed: no such setting; did you mean 'world\.seed'"),
        ({"question": []}, "did you mean 'world.questions'"),
        ({"config": {"grid_size": 2}}, r"world\.config: must be a WorldConfig, got {'grid_size'"),
        ({"questions": ["May I?"]}, r"questions\[0\]: must be a Question, got 'May I\?'"),
        ({"priors": [Question("?"), None]}, r"priors\[1\]: must be a Question, got None"),
        ({"name": 3}, r"world\.name: must be a text, got 3"),
        ({"seed": "one"}, r"world\.seed: must be a whole number, got 'one'"),
    ],
)
def test_wrong_arguments_are_named(arguments, problem):
    with pytest.raises(UserError, match=problem):
        World(**arguments)
