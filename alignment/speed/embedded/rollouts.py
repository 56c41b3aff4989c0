"""Societies of the embedded model: one turn at a time, in this project's rollout, by a server."""

import random
from collections import defaultdict
from functools import partial
from importlib.util import find_spec
from time import perf_counter

from social_sandbox.envs import World, WorldConfig
from social_sandbox.envs.rules.turns import Phase, Turn, Utterance
from social_sandbox.policies import rollout
from social_sandbox.policies.huggingface.policy import HuggingFacePolicy
from social_sandbox.policies.openai.policy import OpenAIPolicy

from ..measure import Goal, Measurement, Missing, Row, Way, alternate
from .server import serving

SECTION = "rollout"
SLOTS = 16
"""Number of requests that llama.cpp's server answers at once."""

PlayedTurns = list[tuple[Turn, Utterance]]


def measurements(quick: bool) -> list[Row]:
    """Measure tokens and interactions by each way, with one model and greedy decoding."""
    answer, reason = (16, 8) if quick else (64, 24)
    policy = HuggingFacePolicy(
        "smollm2", temperature=0, max_new_tokens=answer, reason_tokens=reason
    )
    policy.act(World(WorldConfig(n_rounds=1), seed=0).pending()[:1])  # the model is loaded
    played: dict[str, PlayedTurns] = {"rollout": [], "llama.cpp": []}
    alone: dict[str, str] = {}
    ways: dict[str, Way] = {
        "rollout": partial(play, policy, 1, played["rollout"]),
        "one turn at a time": partial(
            one_by_one, policy, played["rollout"], 2 if quick else 12, alone
        ),
    }
    if not quick:
        ways["rollout, 4 worlds"] = partial(play, policy, 4)
    rows: list[Row] = []
    if find_spec("xllamacpp"):
        ways["llama.cpp"] = partial(by_server, played["llama.cpp"], answer, reason)
    else:
        rows.append(Missing(SECTION, "through llama.cpp's server", "pip install xllamacpp"))
    costs = alternate(ways, 1 if quick else 3)
    for way in ways:
        tokens = tokens_each(played["llama.cpp" if way == "llama.cpp" else "rollout"])
        rows += [
            Measurement(SECTION, f"{way}: interactions", 60 / costs.median(way), "/min"),
            Measurement(SECTION, f"{way}: tokens", tokens / costs.median(way), "/s"),
        ]
    for way in (way for way in ways if way.startswith("rollout")):
        for other, goal in (("one turn at a time", 15), ("llama.cpp", 2)):
            if other in ways:
                ratio = costs.ratio(other, way)
                rows.append(Measurement(SECTION, f"{way} / {other}", ratio, "x", Goal(goal)))
    same = [
        alone[turn.id] == utterance.text
        for turn, utterance in played["rollout"]
        if turn.id in alone
    ]
    rows.append(
        Measurement(SECTION, "greedy texts the same as alone", 100 * sum(same) / len(same), "%")
    )
    return rows


def play(policy: object, n_worlds: int, turns: PlayedTurns | None = None) -> float:
    """Return the seconds of an interaction in worlds of 4x4 agents, one round each.

    `turns` is replaced by the turns with their utterances.
    """
    config = WorldConfig(n_rounds=1)
    worlds = [World(config, seed=n, name=f"world_{n}") for n in range(n_worlds)]
    if turns is not None:
        turns.clear()
    start = perf_counter()
    played = rollout(
        worlds, policy, on_utterances=None if turns is None else lambda more: turns.extend(more)
    )
    return (perf_counter() - start) / len(played)


def one_by_one(
    policy: HuggingFacePolicy,
    turns: PlayedTurns,
    sample: int,
    texts: dict[str, str],
) -> float:
    """Return the seconds of an interaction where each turn is a call of its own.

    Args:
        policy: Policy that is called.
        turns: Turns of finished interactions.
        sample: Number of turns of each phase that are called.
        texts: Filled with the texts, by turn.
    """
    seconds = 0.0
    for phase, of_phase in by_phase(turns, sample).items():
        start = perf_counter()
        for turn in of_phase:
            (texts[turn.id],) = (utterance.text for utterance in policy.act([turn]))
        each = (perf_counter() - start) / len(of_phase)
        seconds += each * sum(turn.phase is phase for turn, _ in turns)
    return seconds / interactions(turns)


def by_server(turns: PlayedTurns, answer: int, reason: int) -> float:
    """Return the seconds of an interaction through llama.cpp's server, started for this call."""
    with serving(SLOTS) as address:
        policy = OpenAIPolicy(
            "smollm2",
            base_url=f"{address}/v1",
            temperature=0.0,
            max_concurrency=SLOTS,
            max_new_tokens=answer,
            # 8 tokens for the labels and the digit.
            reason_tokens=8 + reason,
            ratings="logprobs",
            on_error="missing",
        )
        policy.check()
        return play(policy, 1, turns)


def by_phase(played: PlayedTurns, each: int) -> dict[Phase, list[Turn]]:
    """Return a sample of the turns, `each` of every phase."""
    turns = defaultdict(list)
    for turn, _ in played:
        turns[turn.phase].append(turn)
    return {
        phase: random.Random(0).sample(sorted(of_phase, key=lambda turn: turn.id), each)
        for phase, of_phase in turns.items()
    }


def interactions(turns: PlayedTurns) -> int:
    """Return the number of interactions that the turns belong to."""
    return sum(turn.phase is Phase.DRAFT for turn, _ in turns)


def tokens_each(turns: PlayedTurns) -> float:
    """Return the number of generated tokens of an interaction."""
    return sum(utterance.tokens.completion for _, utterance in turns) / interactions(turns)
