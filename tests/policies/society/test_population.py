from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from social_sandbox.envs import Turn, UserError, World, WorldConfig
from social_sandbox.policies import Player, Population, ScriptedPolicy, rollout, simulate

from ..conftest import QUESTIONS, society


class Named(ScriptedPolicy):
    def __init__(self, name: str) -> None:
        self.name = name


A, B, C = Named("a"), Named("b"), Named("c")


def world(seed: int = 0, size: int = 4) -> World:
    return World(
        WorldConfig(grid_size=size, n_observers=2), questions=QUESTIONS, seed=seed, name=f"w{seed}"
    )


def names(population: Population, played: World) -> dict[str, str]:
    return {agent: policy.name for (_, agent), policy in population.cast([played]).items()}


def test_players_by_role() -> None:
    cast = names(Population(social=A, observer=B), world())
    assert Counter(cast.values()) == {"a": 16, "b": 2}
    assert cast["observer_1"] == "b"


def test_players_by_name_and_by_pattern() -> None:
    players = [Player(policy=C, select="social_3"), Player(policy=A, select="observer_*")]
    cast = names(Population(social=B, players=players), world())
    assert (cast["social_3"], cast["observer_0"], cast["social_2"]) == ("c", "a", "b")


def test_players_by_region_of_the_grid() -> None:
    corner = Player(policy=C, rows=(0, 1), columns=(2, 3))
    cast = names(Population(social=A, observer=B, players=[corner]), world())
    assert [agent for agent, who in cast.items() if who == "c"] == [
        "social_2",
        "social_3",
        "social_6",
        "social_7",
    ]


def test_shares_are_drawn_by_the_seed_of_the_world() -> None:
    population = Population(
        observer=C,
        players=[
            Player(policy=A, select="social_*", share=0.7),
            Player(policy=B, select="social_*", share=0.3),
        ],
    )
    dealt = [names(population, world(seed, size=10)) for seed in (0, 0, 1)]
    assert [Counter(cast.values()) for cast in dealt] == [{"a": 70, "b": 30, "c": 2}] * 3
    assert dealt[0] == dealt[1] != dealt[2]


def test_agents_outside_all_shares_are_played_by_role() -> None:
    population = Population(
        social=A, observer=C, players=[Player(policy=B, select="social_*", share=0.25)]
    )
    assert Counter(names(population, world()).values()) == {"a": 12, "b": 4, "c": 2}


@pytest.mark.parametrize(
    ("population", "problem"),
    [
        (Population(observer=A), "social_0 of w0 has no player"),
        (Population(social=A), "observer_0 of w0 has no player"),
        (
            Population(
                social=A,
                observer=A,
                players=[Player(policy=B, select="social_1"), Player(policy=C, rows=(0, 0))],
            ),
            "social_1 of w0 is claimed twice: by select '.*rows 0-0.* and by select 'social_1'"
            "|claimed twice: by select 'social_1' and by select",
        ),
        (
            Population(social=A, observer=A, players=[Player(policy=B, select="soical_*")]),
            "select 'soical_.*' chooses nobody",
        ),
        (
            Population(
                observer=A,
                players=[Player(policy=p, select="social_*", share=0.6) for p in (A, B)],
            ),
            "add up to 1.2, above 1",
        ),
    ],
)
def test_an_agent_without_a_player_or_with_two_is_named(
    population: Population, problem: str
) -> None:
    with pytest.raises(UserError, match=f"population: .*{problem}"):
        population.cast([world()])


def test_a_share_lies_between_0_and_1() -> None:
    with pytest.raises(UserError, match=r"population\.share: must be at most 1, got 70"):
        Player(policy=A, share=70)


def test_the_policy_of_each_agent_is_recorded(tmp_path: Path) -> None:
    players = [Player(policy=B, select="social_1")]
    population = Population(social=A, observer=C, players=players)
    interactions = simulate([society()], population, tmp_path)
    assert '"social_1": "b"' in (tmp_path / "population.json").read_text()
    assert {one.draft.policy for one in interactions if one.agent == "social_1"} == {"b"}
    assert {one.draft.policy for one in interactions if one.agent != "social_1"} == {"a"}


def test_an_agent_speaks_by_one_policy_and_criticises_by_another(tmp_path: Path) -> None:
    players = [
        Player(policy=A, phases=("draft", "revise")),
        Player(policy=critic, phases=("feedback",), rows=(0, 0)),
    ]
    interactions = simulate(
        [society()], Population(social=C, observer=C, players=players), tmp_path
    )
    answers = {each.policy for one in interactions for each in (one.draft, one.revision)}
    critics = {(each.peer, each.policy) for one in interactions for each in one.feedback}
    assert answers == {"a"}
    assert {policy for peer, policy in critics if peer in ("social_0", "social_1")} == {"critic"}
    assert {policy for peer, policy in critics if peer in ("social_2", "social_3")} == {"scripted"}
    assert "a (draft, revise), critic (feedback)" in (tmp_path / "population.json").read_text()


def critic(turn: Turn) -> float:
    return 5.0


def test_equal_shares_of_two_phases_are_the_same_agents() -> None:
    halves = [
        Player(policy=policy, share=0.5, phases=(phase,))
        for policy, phase in ((A, "draft"), (B, "feedback"))
    ]
    cast = names(Population(social=C, observer=C, players=halves), world())
    assert Counter(cast.values()) == {"a (draft), b (feedback), c (revise)": 8, "c": 10}


def test_turns_of_one_policy_are_one_batch_whatever_its_phases() -> None:
    sizes = []

    class Watched(Named):
        def act(self, turns: Any) -> Any:
            sizes.append(len(turns))
            return super().act(turns)

    players = [Player(policy=Watched("w"), phases=("draft",))]
    rollout([world()], Population(social=A, observer=B, players=players), only=is_first_draft)
    assert sizes == [16]


def is_first_draft(turn: Turn) -> bool:
    return turn.round == 0 and turn.phase == "draft"


def test_a_phase_claimed_twice_or_unknown_is_named() -> None:
    players = [Player(policy=A, phases=("draft",)), Player(policy=B, select="social_1")]
    with pytest.raises(UserError, match=r"social_1 of w0 is claimed twice: by select .*draft"):
        Population(social=A, observer=A, players=players).cast([world()])
    with pytest.raises(UserError, match=r"phases\.0: must be .*'revise.* got 'speak'|phases"):
        Player(policy=A, phases=("speak",))
    with pytest.raises(UserError, match="chooses nobody"):
        Population(
            social=A,
            observer=A,
            players=[Player(policy=A, select="observer_0", phases=("draft",))],
        ).cast([world()])
