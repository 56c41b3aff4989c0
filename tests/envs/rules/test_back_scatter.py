from social_sandbox.envs import Phase, Utterance

from ...helpers.societies import answer, chatter, play, rates, society


def say(text):
    return lambda turn: Utterance(text)


def phases_of(world, subject):
    return {turn.phase for turn in world.pending() if turn.subject == subject}


def test_a_back_scatter_goes_through_its_phases_in_order():
    world = society()
    for phase in Phase:
        assert phases_of(world, "social_4") == {phase}
        for turn in [turn for turn in world.pending() if turn.subject == "social_4"]:
            world.submit(turn.id, chatter(turn))
    assert phases_of(world, "social_4") == set()
    assert [interaction.agent for interaction in world.interactions] == ["social_4"]


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


def test_the_mean_rating_ignores_missing_ratings():
    for interaction in play(
        society(grid_size=2, n_peers=3, radius=9), rates(2.0, None, 5.0)
    ).interactions:
        assert interaction.mean_rating == 3.5


def test_missing_ratings_stay_missing():
    world = society(grid_size=2, n_peers=2)
    play(world, rates(None, None, aspect_ratings={}))
    for interaction in world.interactions:
        assert interaction.mean_rating is None
        assert {feedback.rating for feedback in interaction.feedback} == {None}
        assert {observation.rating for observation in interaction.observations} == {None}


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


def test_a_change_without_one_of_its_ratings_is_none_and_adds_nothing_to_the_reward():
    ratings = {("revision", "alignment"): 7.0, ("draft", "engagement"): 2.0}
    ratings |= {("revision", "engagement"): 3.0}
    [interaction] = play(society(grid_size=1), rates(aspect_ratings=ratings)).interactions
    assert interaction.rating("alignment", "draft") is None
    assert interaction.change("alignment") is None
    assert interaction.reward == 0.5


def test_without_observers_there_are_no_ratings_and_no_rewards():
    world = play(society(n_observers=0))
    assert world.done
    assert all(not i.observations and i.reward == 0.0 for i in world.interactions)
    assert all(i.rating("alignment", "revision") is None for i in world.interactions)
