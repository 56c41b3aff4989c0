"""The embedded model plays societies: one turn at a time, in this project's rollout, by wire."""

import random
from collections import defaultdict
from functools import partial
from importlib.util import find_spec
from time import perf_counter

from social_sandbox.envs import World, WorldConfig
from social_sandbox.envs.turns import Phase, Turn, Utterance
from social_sandbox.policies import rollout
from social_sandbox.policies.huggingface.policy import HuggingFacePolicy
from social_sandbox.policies.openai.policy import OpenAIPolicy

from .measure import Figure, Goal, Missing, Row, Way, alternate
from .server import serving

SECTION = "rollout"
SLOTS = 16
"""Requests that llama.cpp's server answers at once."""

Said = list[tuple[Turn, Utterance]]


def bench(quick: bool) -> list[Row]:
    """Tokens and interactions by each way; the same model and greedy decoding in all of them."""
    answer, reason = (16, 8) if quick else (64, 24)
    policy = HuggingFacePolicy(
        "smollm2", temperature=0, max_new_tokens=answer, reason_tokens=reason
    )
    policy.act(World(WorldConfig(n_rounds=1), seed=0).pending()[:1])  # the model is loaded
    said: dict[str, Said] = {"rollout": [], "llama.cpp": []}
    alone: dict[str, str] = {}
    ways: dict[str, Way] = {
        "rollout": partial(play, policy, 1, said["rollout"]),
        "one turn at a time": partial(
            one_by_one, policy, said["rollout"], 2 if quick else 12, alone
        ),
    }
    if not quick:
        ways["rollout, 4 worlds"] = partial(play, policy, 4)
    rows: list[Row] = []
    if find_spec("xllamacpp"):
        ways["llama.cpp"] = partial(by_wire, said["llama.cpp"], answer, reason)
    else:
        rows.append(Missing(SECTION, "through llama.cpp's server", "pip install xllamacpp"))
    costs = alternate(ways, 1 if quick else 3)
    for way in ways:
        tokens = tokens_each(said["llama.cpp" if way == "llama.cpp" else "rollout"])
        rows += [
            Figure(SECTION, f"{way}: interactions", 60 / costs.median(way), "/min"),
            Figure(SECTION, f"{way}: tokens", tokens / costs.median(way), "/s"),
        ]
    for way in (way for way in ways if way.startswith("rollout")):
        for other, goal in (("one turn at a time", 15), ("llama.cpp", 2)):
            if other in ways:
                ratio = costs.ratio(other, way)
                rows.append(Figure(SECTION, f"{way} / {other}", ratio, "x", Goal(goal)))
    same = [alone[turn.id] == saying.text for turn, saying in said["rollout"] if turn.id in alone]
    rows.append(Figure(SECTION, "greedy texts the same as alone", 100 * sum(same) / len(same), "%"))
    return rows


def play(policy: object, n_worlds: int, said: Said | None = None) -> float:
    """Seconds an interaction in worlds of 4x4 agents, one round each; `said`: what was said."""
    config = WorldConfig(n_rounds=1)
    worlds = [World(config, seed=n, name=f"world_{n}") for n in range(n_worlds)]
    if said is not None:
        said.clear()
    start = perf_counter()
    done = rollout(
        worlds, policy, on_utterances=None if said is None else lambda more: said.extend(more)
    )
    return (perf_counter() - start) / len(done)


def one_by_one(
    policy: HuggingFacePolicy,
    said: Said,
    sample: int,
    texts: dict[str, str],
) -> float:
    """Seconds an interaction where each turn of `said` is a call of its own.

    Only a sample of so many turns of every phase is asked.
    """
    seconds = 0.0
    for phase, turns in by_phase(said, sample).items():
        start = perf_counter()
        for turn in turns:
            (texts[turn.id],) = (utterance.text for utterance in policy.act([turn]))
        each = (perf_counter() - start) / len(turns)
        seconds += each * sum(turn.phase is phase for turn, _ in said)
    return seconds / interactions(said)


def by_wire(said: Said, answer: int, reason: int) -> float:
    """Seconds an interaction through llama.cpp's server, which runs for this time only."""
    with serving(SLOTS) as address:
        policy = OpenAIPolicy(
            "smollm2",
            base_url=f"{address}/v1",
            temperature=0.0,
            max_concurrency=SLOTS,
            max_new_tokens=answer,
            # Those of the labels and of the digit, and as many for the reason as here.
            reason_tokens=8 + reason,
            ratings="logprobs",
            on_error="missing",
        )
        policy.check()
        return play(policy, 1, said)


def by_phase(said: Said, each: int) -> dict[Phase, list[Turn]]:
    """A sample of the turns, so many of every phase."""
    turns = defaultdict(list)
    for turn, _ in said:
        turns[turn.phase].append(turn)
    return {
        phase: random.Random(0).sample(sorted(known, key=lambda turn: turn.id), each)
        for phase, known in turns.items()
    }


def interactions(said: Said) -> int:
    """How many these turns made."""
    return sum(turn.phase is Phase.DRAFT for turn, _ in said)


def tokens_each(said: Said) -> float:
    """Tokens that were generated for an interaction."""
    return sum(utterance.tokens.completion for _, utterance in said) / interactions(said)
