"""Benchmarks on a model in training."""

import json
from pathlib import Path
from typing import Any

import pytest

from social_sandbox.alignment.evaluation.benchmarks.callback import BenchmarkCallback
from social_sandbox.alignment.evaluation.benchmarks.loading.loaders import load_items
from social_sandbox.alignment.evaluation.benchmarks.registry import find_benchmarks
from social_sandbox.alignment.methods.stable_alignment import StableAlignment, StableAlignmentConfig
from social_sandbox.alignment.reporting.tracking.config import EarlierCycles
from social_sandbox.alignment.reporting.tracking.rows import log_during
from social_sandbox.alignment.training.train import train
from tests.helpers import benchmark_files as fixtures
from tests.helpers.tiny import rated_groups, tiny_llama


@pytest.mark.parametrize("lora", [None, {"rank": 4}])
def test_the_model_is_measured_as_it_is_and_trained_as_ever(
    tokenizer: Any, tmp_path: Path, lora: dict[str, int] | None
) -> None:
    from social_sandbox.alignment.training.config import LoraConfig

    fixtures.write(tmp_path / "data")
    benchmarks = find_benchmarks(["ethics_justice", "hh", "truthfulqa"])
    items = [(b, load_items(b, str(tmp_path / "data"), None, 0)) for b in benchmarks]
    config = StableAlignmentConfig(
        device="cpu",
        bf16=False,
        max_length=64,
        learning_rate=1e-2,
        max_steps=4,
        lora=None if lora is None else LoraConfig(**lora),
    )
    method = StableAlignment(config)
    seen: list[tuple[int, Any]] = []

    def aligned(folder: str, *callbacks: Any) -> Any:
        model = tiny_llama(len(tokenizer), 1024)
        train(
            model, tokenizer, rated_groups(8), method, tmp_path / folder, callbacks, progress=False
        )
        return (tmp_path / folder / "model/model.safetensors").read_bytes()

    measuring = BenchmarkCallback(items, 2, lambda *rows: seen.append(rows), resamples=100)
    assert aligned("measured", measuring) == aligned("alone")
    assert [step for step, _ in seen] == [0, 2, 4]
    assert set(seen[0][1]) == {"ethics_justice", "hh", "truthfulqa"}
    # An adapter that is trained is measured with the model below it.
    shares = [estimates["truthfulqa"]["mc2"]["mean"] for _, estimates in seen]
    assert len(set(shares)) == 3
    assert seen[0][1]["hh"]["acc"]["n"] == 8


def test_the_last_step_is_measured_whatever_its_number(tokenizer: Any, tmp_path: Path) -> None:
    fixtures.write(tmp_path / "data")
    (justice,) = find_benchmarks(["ethics_justice"])
    items = [(justice, load_items(justice, str(tmp_path / "data"), None, 0))]
    seen: list[int] = []
    measuring = BenchmarkCallback(items, 2, lambda step, _: seen.append(step), resamples=100)
    model = tiny_llama(len(tokenizer), 1024)
    config = StableAlignmentConfig(device="cpu", bf16=False, max_length=64, max_steps=3)
    method = StableAlignment(config)
    train(model, tokenizer, rated_groups(8), method, tmp_path, [measuring], progress=False)
    assert seen == [0, 2, 3]


def test_steps_that_a_resumed_training_comes_to_again_are_told_once(tmp_path: Path) -> None:
    for step, mean in ((0, 0.1), (2, 0.2), (4, 0.4), (2, 0.3), (4, 0.5)):
        log_during(None, tmp_path, EarlierCycles(), step, {"hh": {"acc": {"mean": mean}}})
    rows = [json.loads(line) for line in (tmp_path / "benchmarks.jsonl").read_text().splitlines()]
    rows = [(row["step"], row["benchmarks"]["hh"]["acc"]["mean"]) for row in rows]
    assert rows == [(0, 0.1), (2, 0.3), (4, 0.5)]
