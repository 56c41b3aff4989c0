"""Societies without a part of the Back-Scatter: without shown ratings, and without revisions."""

from dataclasses import replace

import pytest

from social_sandbox.envs import World, WorldConfig
from social_sandbox.envs.rules.turns import Phase, Tokens, Turn, Utterance
from social_sandbox.policies import ScriptedPolicy, rollout

RULES = WorldConfig(grid_size=2, n_rounds=2, n_peers=2)


class Noting:
    """Plays as the scripted policy does, and keeps the turns."""

    name = "noting"

    def __init__(self) -> None:
        self.turns: list[Turn] = []
        self._scripted = ScriptedPolicy()

    def act(self, turns: list[Turn]) -> list[Utterance]:
        self.turns += turns
        return [replace(said, tokens=Tokens(1, 1)) for said in self._scripted.act(turns)]


@pytest.fixture
def noting() -> Noting:
    return Noting()


def test_agents_who_are_shown_no_ratings_read_reasons_alone(noting: Noting) -> None:
    played = rollout([World(replace(RULES, show_ratings=False))], noting)
    revisions = [turn for turn in noting.turns if turn.phase is Phase.REVISE]
    assert revisions
    for turn in revisions:
        assert turn.mean_rating is None
        assert len(turn.opinions) == 2
        assert all(each.rating is None and each.reason for each in turn.opinions)
    # What the peers gave is recorded, and what the agent read can be told from the record.
    for one in played:
        assert one.mean_rating is None
        assert all(each.rating is not None for each in one.feedback)
        assert all(each.rating is None for each in one.opinions)


def test_shown_ratings_are_those_of_the_record() -> None:
    for one in rollout([World(RULES)], ScriptedPolicy()):
        assert [each.rating for each in one.opinions] == [each.rating for each in one.feedback]


def test_without_revisions_the_draft_is_the_answer(noting: Noting) -> None:
    world = World(replace(RULES, revise=False))
    played = rollout([world], noting)
    assert {turn.phase for turn in noting.turns} == {Phase.DRAFT, Phase.OBSERVE}
    assert {turn.judged for turn in noting.turns if turn.phase is Phase.OBSERVE} == {"draft"}
    for one in played:
        assert one.revision.text == one.draft.text
        assert (one.revision.tokens, one.feedback) == (Tokens(), ())
        assert one.rating("alignment", "revision") == one.rating("alignment", "draft")
        assert (one.change("alignment"), one.reward) == (0, 0)
    # Its memory is the draft.
    again = World(replace(RULES, revise=False))
    assert again.replay(world.log) == played


def test_a_society_of_few_questions_is_asked_them_again() -> None:
    rules = replace(RULES, n_questions=2, questions_per_round=2)
    first, again, other = (
        {one.question for one in rollout([World(rules, seed=seed)], ScriptedPolicy())}
        for seed in (1, 1, 2)
    )
    assert len(first) == 2
    assert first == again != other
    # Prior memories are of all questions.
    assert World(rules).priors == World(RULES).priors


def test_rules_are_recorded_only_where_they_differ() -> None:
    assert not {"show_ratings", "revise", "n_questions"} & RULES.recorded().keys()
    assert replace(RULES, revise=False).recorded()["revise"] is False


def test_the_other_rules_do_not_change_who_is_asked_what() -> None:
    def asked(rules: WorldConfig) -> list[tuple[str, str]]:
        return sorted((one.id, one.question) for one in rollout([World(rules)], ScriptedPolicy()))

    assert asked(RULES) == asked(replace(RULES, revise=False))
    assert asked(RULES) == asked(replace(RULES, show_ratings=False))
