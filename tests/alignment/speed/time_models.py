"""Timings of the embedded model: `pytest tests/alignment/speed/time_models.py`."""

from typing import Any

import pytest

from social_sandbox.alignment.speed import observe
from social_sandbox.alignment.speed.embedded import rollouts, train, train_way
from social_sandbox.policies.huggingface.policy import HuggingFacePolicy


@pytest.fixture(scope="module")
def policy() -> HuggingFacePolicy:
    return HuggingFacePolicy("smollm2", temperature=0, max_new_tokens=16, reason_tokens=8)


@pytest.mark.parametrize("n_worlds", [1, 4])
def test_rollout(benchmark: Any, policy: HuggingFacePolicy, n_worlds: int) -> None:
    benchmark.group = "a round of 4x4 worlds"
    benchmark.pedantic(rollouts.play, (policy, n_worlds), rounds=3)


@pytest.mark.parametrize("way", [observe.from_logits, observe.by_writing])
def test_ratings(benchmark: Any, policy: HuggingFacePolicy, way: Any) -> None:
    benchmark.group = "32 ratings"
    more = ([],) if way is observe.by_writing else ()
    benchmark.pedantic(way, (policy, observe.ratings(32), *more), rounds=3, warmup_rounds=1)


@pytest.mark.parametrize("way", train_way.WAYS)
def test_training(benchmark: Any, way: str) -> None:
    if way == "dpo":
        pytest.importorskip("trl")
    benchmark.group = "a process that trains for two steps"
    benchmark.pedantic(train.train, (way, 2, []), rounds=2)
