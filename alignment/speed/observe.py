"""Ratings: the expected value from the logits beside a rating that is written and read."""

from functools import partial
from time import perf_counter

from social_sandbox.envs import held_out_questions
from social_sandbox.envs.turns import Turn
from social_sandbox.policies.huggingface.policy import HuggingFacePolicy
from social_sandbox.policies.observer import turns_to_rate
from social_sandbox.policies.prompts.prompts import Prompt, prompt_for
from social_sandbox.policies.prompts.ratings import parse_verdict

from .measure import Figure, Row, alternate

SECTION = "observe"


def bench(quick: bool) -> list[Row]:
    """Ratings a second by the embedded model."""
    policy = HuggingFacePolicy("smollm2", temperature=0)
    turns = ratings(32 if quick else 128)
    written: list[float | None] = []
    ways = {
        "from logits": partial(from_logits, policy, turns),
        "written": partial(by_writing, policy, turns, written),
    }
    costs = alternate(ways, 1 if quick else 7)
    read = sum(rating is not None for rating in written) / len(written)
    return [
        *(Figure(SECTION, f"ratings {way}", 1 / costs.median(way), "/s") for way in ways),
        Figure(SECTION, "written ratings that can be read", 100 * read, "%"),
        Figure(SECTION, "written / from logits", costs.ratio("written", "from logits"), "x"),
    ]


def from_logits(policy: HuggingFacePolicy, turns: list[Turn]) -> float:
    """Seconds a rating in one forward pass."""
    start = perf_counter()
    policy.act(turns)
    return (perf_counter() - start) / len(turns)


def by_writing(policy: HuggingFacePolicy, turns: list[Turn], read: list[float | None]) -> float:
    """Seconds a rating that the model writes out; what could be read of them is kept."""
    prompts = [Prompt(prompt_for(turn).messages) for turn in turns]
    start = perf_counter()
    said = policy.generate(prompts, [turn.seed for turn in turns], max_new_tokens=16)
    read += [parse_verdict(generation.text).rating for generation in said]
    return (perf_counter() - start) / len(turns)


def ratings(count: int) -> list[Turn]:
    """So many different things to rate."""
    texts = [(q, text) for q in held_out_questions() for text in (q.good, q.bad) if text]
    questions, answers = zip(*texts[:count], strict=True)
    return turns_to_rate([question.text for question in questions], answers, "alignment")
