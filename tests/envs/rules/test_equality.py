"""The same utterances give the same interactions in every way and order of playing."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from social_sandbox.envs import sandbox_v0, to_action

from ...helpers.societies import QUESTIONS, chat, chatter, society

rules = st.fixed_dictionaries(
    {
        "grid_size": st.integers(1, 3),
        "n_observers": st.integers(0, 2),
        "n_rounds": st.integers(1, 3),
        "n_peers": st.integers(0, 3),
        "radius": st.sampled_from([None, 0, 1, 1.5]),
        "questions_per_round": st.sampled_from([None, 1, 2]),
        "world_view": st.sampled_from(["half_half", "mixed_half_half", "all_bad"]),
        "n_prior_memories": st.sampled_from([0, 2, 50]),
    }
)
questions = st.integers(1, len(QUESTIONS)).map(lambda count: QUESTIONS[:count])
seeds = st.integers(0, 2**40)


def by_id(interactions):
    return sorted(interactions, key=lambda interaction: interaction.id)


def play_aec(**arguments):
    env = sandbox_v0.env(**arguments)
    env.reset()
    for _ in env.agent_iter():
        observation, _, terminated, _, info = env.last()
        env.step(None if terminated else to_action(chat(info["seed"], observation["phase"])))
    return env.world


def play_parallel(**arguments):
    env = sandbox_v0.parallel_env(**arguments)
    observations, infos = env.reset()
    while env.agents:
        actions = {
            agent: to_action(chat(info["seed"], observations[agent]["phase"]))
            for agent, info in infos.items()
            if "seed" in info
        }
        observations, _, _, _, infos = env.step(actions)
    return env.world


def play_batches(worlds, order):
    """Play worlds together: random subsets of all pending turns, until none is pending."""
    while turns := [(world, turn) for world in worlds for turn in world.pending()]:
        subset = order.permutation(len(turns))[: order.integers(1, len(turns) + 1)]
        for world, turn in (turns[index] for index in subset):
            world.submit(turn.id, chatter(turn))
    return worlds


@settings(max_examples=40, deadline=None)
@given(rules, questions, st.lists(seeds, min_size=1, max_size=3), seeds)
def test_aec_parallel_and_batched_play_give_the_same_interactions(rules, questions, seeds, order):
    arguments = [
        {"questions": questions, "seed": seed, "name": f"world_{number}", **rules}
        for number, seed in enumerate(seeds)
    ]
    worlds = [society(**kwargs) for kwargs in arguments]
    for kwargs, world in zip(
        arguments, play_batches(worlds, np.random.default_rng(order)), strict=True
    ):
        batched = by_id(world.interactions)
        assert len(batched) == rules["grid_size"] ** 2 * rules["n_rounds"]
        assert by_id(play_aec(**kwargs).interactions) == batched
        assert by_id(play_parallel(**kwargs).interactions) == batched


@settings(max_examples=20, deadline=None)
@given(rules, seeds, st.randoms(use_true_random=False))
def test_a_turn_is_the_same_whenever_it_is_asked(rules, seed, order):
    first, second = society(seed=seed, **rules), society(seed=seed, **rules)
    turns_by_id = [{}, {}]
    for world, turns, shuffled in ((first, turns_by_id[0], False), (second, turns_by_id[1], True)):
        while pending := world.pending():
            turn = order.choice(pending) if shuffled else pending[0]
            turns[turn.id] = turn
            world.submit(turn.id, chatter(turn))
    assert turns_by_id[0] == turns_by_id[1]
