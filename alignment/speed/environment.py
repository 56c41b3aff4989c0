"""The environment alone: seconds of a turn in societies of growing size, and of board games."""

import gc
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from time import perf_counter
from typing import Any

import numpy as np
from pettingzoo import AECEnv

from social_sandbox.envs import Utterance, World, WorldConfig, sandbox_v0

from .measure import Goal, Measurement, Missing, Row, alternate

SECTION = "env"
GRIDS = (4, 10, 32, 100)
"""Sides of the grids, for 16, 100, 1,024 and 10,000 social agents."""

PARALLEL, UNOBSERVED = "Parallel", "Parallel without observers"
AT_ONCE = "Parallel, observers at once"
UTTERANCE = Utterance("That is for her to say.", 4.0)
ACTION = {"text": UTTERANCE.text, "rating": np.array(UTTERANCE.rating)}


def measurements(quick: bool) -> list[Row]:
    """Measure turns by number of agents and interface, and the steps of two board games."""
    sizes = {side * side: side for side in GRIDS}
    turns = 5_000 if quick else 20_000
    faces: dict[str, Callable[[int, int], float]] = {
        "World": world_turn,
        "AEC": aec_turn,
        PARALLEL: parallel_turn,
        AT_ONCE: partial(parallel_turn, at_once=True),
        UNOBSERVED: partial(parallel_turn, n_observers=0),
    }
    ways: dict[str, Callable[[], float]] = {
        f"{face}, {n} agents": partial(cost, side, turns)
        for face, cost in faces.items()
        for n, side in sizes.items()
    }
    if find_spec("pygame"):
        games = {g: partial(game_step, g, turns) for g in ("tictactoe_v3", "connect_four_v3")}
    else:
        games = {}
    costs = alternate(ways | games, 1 if quick else 5)
    rows: list[Row] = [
        Measurement(SECTION, name, 1 / costs.median(name), "turns/s") for name in ways | games
    ]
    most, some = max(sizes), 100
    for face in faces:
        ratio = costs.ratio(f"{face}, {most} agents", f"{face}, {some} agents")
        name = f"{face}: a turn among {most} agents / among {some}"
        rows.append(Measurement(SECTION, name, ratio, "x", Goal(2, at_least=False)))
    beside = "AEC: a step of connect_four_v3 / a turn among 100 agents"
    if games:
        ratio = costs.ratio("connect_four_v3", "AEC, 100 agents")
        rows.append(Measurement(SECTION, beside, ratio, "x", Goal(1)))
    else:
        rows.append(Missing(SECTION, beside, "pip install pygame"))
    return rows


def world_turn(side: int, turns: int) -> float:
    """Return the seconds of a turn through `pending` and `submit`, with the starts of rounds."""
    gc.collect()
    start = perf_counter()
    world = World(rules(side, turns), seed=0)
    while not world.done:
        for turn in world.pending():
            world.submit(turn.id, UTTERANCE)
    return (perf_counter() - start) / len(world.log)


def aec_turn(side: int, turns: int) -> float:
    """Return the seconds of a turn through `last` and `step`, with PettingZoo's own checks."""
    env = sandbox_v0.env(**asdict(rules(side, turns)))
    gc.collect()
    start = perf_counter()
    env.reset(seed=0)
    while not env.unwrapped.world.done:
        env.last()
        env.step(ACTION)
    return (perf_counter() - start) / len(env.unwrapped.world.log)


def parallel_turn(side: int, turns: int, n_observers: int = 1, at_once: bool = False) -> float:
    """Return the seconds of a turn through `step`, in which every agent acts.

    One observer of 10,000 agents has 40,000 turns in a round, one in each step, and PettingZoo has
    each step return a value for each agent. With `at_once`, it has them in one step.
    """
    env = sandbox_v0.parallel_env(
        observers_at_once=at_once, **asdict(rules(side, turns, n_observers))
    )
    gc.collect()
    start = perf_counter()
    observations, _ = env.reset(seed=0)
    actions: dict[str, Any] = dict.fromkeys(env.agents, ACTION)
    observers = env.unwrapped.world.observers if at_once else ()
    while env.agents:
        for observer in observers:
            actions[observer] = (ACTION,) * len(observations[observer])
        observations, *_ = env.step(actions)
    return (perf_counter() - start) / len(env.world.log)


def game_step(game: str, steps: int) -> float:
    """Return the seconds of a step of one of PettingZoo's games, with the first legal move."""
    env: AECEnv = import_module(f"pettingzoo.classic.{game}").env()
    env.reset(seed=0)
    gc.collect()
    start = perf_counter()
    for _ in range(steps):
        if not env.agents:
            env.reset(seed=0)
        observation, _, terminated, truncated, _ = env.last()
        legal = None if terminated or truncated else int(np.argmax(observation["action_mask"]))
        env.step(legal)
    return (perf_counter() - start) / steps


def rules(side: int, turns: int, n_observers: int = 1) -> WorldConfig:
    """Return the rules of a society that lasts for at least `turns` turns, and one round.

    Agents have no prior memories, which are made once and would count for a short society only.
    """
    config = WorldConfig(grid_size=side, n_observers=n_observers, n_prior_memories=0)
    a_round = side * side * (2 + config.n_peers + 4 * config.n_observers)
    return replace(config, n_rounds=-(-turns // a_round))
