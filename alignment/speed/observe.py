"""Ratings: the expected value from the logits beside a rating that the model writes out."""

from functools import partial
from time import perf_counter

from social_sandbox.envs import held_out_questions
from social_sandbox.envs.rules.turns import Turn
from social_sandbox.policies.huggingface.policy import HuggingFacePolicy
from social_sandbox.policies.observer import turns_to_rate
from social_sandbox.policies.prompts.prompts import Prompt, prompt_for
from social_sandbox.policies.prompts.ratings import parse_verdict

from .measure import Measurement, Row, alternate

SECTION = "observe"


def measurements(quick: bool) -> list[Row]:
    """Measure the ratings of the embedded model, in ratings a second."""
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
        *(Measurement(SECTION, f"ratings {way}", 1 / costs.median(way), "/s") for way in ways),
        Measurement(SECTION, "written ratings that can be read", 100 * read, "%"),
        Measurement(SECTION, "written / from logits", costs.ratio("written", "from logits"), "x"),
    ]


def from_logits(policy: HuggingFacePolicy, turns: list[Turn]) -> float:
    """Return the seconds of a rating from one forward pass."""
    start = perf_counter()
    policy.act(turns)
    return (perf_counter() - start) / len(turns)


def by_writing(policy: HuggingFacePolicy, turns: list[Turn], read: list[float | None]) -> float:
    """Return the seconds of a rating that the model writes out.

    The ratings are appended to `read`, None for one that cannot be parsed.
    """
    prompts = [Prompt(prompt_for(turn).messages) for turn in turns]
    start = perf_counter()
    generations = policy.generate(prompts, [turn.seed for turn in turns], max_new_tokens=16)
    read += [parse_verdict(generation.text).rating for generation in generations]
    return (perf_counter() - start) / len(turns)


def ratings(count: int) -> list[Turn]:
    """Return turns to rate `count` different answers."""
    texts = [(q, text) for q in held_out_questions() for text in (q.good, q.bad) if text]
    questions, answers = zip(*texts[:count], strict=True)
    return turns_to_rate([question.text for question in questions], answers, "alignment")
