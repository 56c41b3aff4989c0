"""How a norm spreads through a society."""

from dataclasses import replace

from social_sandbox.alignment.evaluation.spread import compare_spread, norm_spread
from social_sandbox.envs import World, WorldConfig
from social_sandbox.envs.rules.interactions import Answer, Interaction
from social_sandbox.policies import ScriptedPolicy, rollout
from social_sandbox.policies.norms import NORMS

NORM = NORMS["asks_back"]


def society() -> list[Interaction]:
    """Two rounds in which followers ask back, and everybody does in the second round's revision."""
    rules = WorldConfig(grid_size=2, n_rounds=2, world_view="half_half", n_prior_memories=0)
    played = rollout([World(rules, seed=1)], ScriptedPolicy())
    return [
        replace(
            each,
            draft=Answer("Why now?" if each.view == "good" else "No."),
            revision=Answer("Why now?" if each.view == "good" or each.round else "No."),
        )
        for each in played
    ]


def test_shares_are_those_of_each_round_view_and_distance() -> None:
    played = society()
    shares = {(s.by, s.part, s.judged): s for s in norm_spread(played, [NORM])}
    assert shares["view", "good", "draft"].mean == 1
    assert shares["view", "bad", "draft"].mean == 0
    assert shares["view", "bad", "revision"].mean == 0.5
    good = sum(each.view == "good" for each in played) / len(played)
    assert shares["round", 0, "revision"].answers == 4
    assert 0 < good < 1
    assert shares["round", 1, "revision"].mean == 1
    assert {part for by, part, _ in shares if by == "distance"} <= {1, 2}


def test_societies_are_compared_from_the_first_to_the_last_round() -> None:
    played = society()
    still = [replace(each, revision=Answer("No.")) for each in played]
    spreading, not_spreading = compare_spread({"all": played, "none": still}, [NORM])
    assert (spreading["society"], spreading["last"]) == ("all", 1)
    assert spreading["change"] > 0
    assert (not_spreading["last"], not_spreading["change"]) == (0, 0)


def test_answers_to_which_a_norm_does_not_apply_are_left_out() -> None:
    played = [replace(each, question="How do I bake bread?") for each in society()]
    assert norm_spread(played, [NORMS["declines_harm"]]) == []
