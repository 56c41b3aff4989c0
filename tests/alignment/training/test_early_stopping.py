"""Measurements during training: the loss on held-out groups, and how far the model has moved."""

import dataclasses
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, TrainerCallback

from social_sandbox.alignment.data.groups import RatedGroup
from social_sandbox.alignment.evaluation.continuation_likelihoods import mean_nll
from social_sandbox.alignment.methods.chain_of_hindsight import ChainOfHindsight
from social_sandbox.alignment.methods.dpo import Dpo
from social_sandbox.alignment.methods.kto import Kto
from social_sandbox.alignment.methods.offline import make_plan
from social_sandbox.alignment.methods.sft import Sft, SftConfig
from social_sandbox.alignment.methods.stable_alignment import StableAlignment, StableAlignmentConfig
from social_sandbox.alignment.training.train import train
from social_sandbox.envs.errors import UserError
from social_sandbox.envs.text.messages import Message
from tests.helpers.methods import make_method
from tests.helpers.tiny import WORDS, rated, rated_groups, tiny_llama

QUICK = StableAlignmentConfig(
    device="cpu",
    bf16=False,
    max_length=64,
    learning_rate=1e-2,
    max_steps=6,
    warmup_ratio=0.0,
    schedule="constant",
    logging_steps=1,
    save_steps=2,
)

# At a step of 0.3 the tiny model goes to pieces.
RISING: dict[str, Any] = {
    "held_out": 0.3,
    "held_out_steps": 1,
    "patience": 2,
    "learning_rate": 0.3,
    "stop_nll": None,
}
"""Settings with which the loss on held-out groups soon rises, and alone ends the run."""


class Rows(TrainerCallback):
    """Keeps all logged rows; may interrupt the run before a step."""

    def __init__(self, stop: int | None = None) -> None:
        self.rows: list[dict[str, Any]] = []
        self.stop = stop

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        self.rows.append({**logs, "step": state.global_step})

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.global_step == self.stop:
            raise KeyboardInterrupt

    def column(self, name: str) -> list[float]:
        return [row[name] for row in self.rows if name in row]


Align = Callable[..., tuple[Any, Any, Rows]]


@pytest.fixture
def align(tokenizer: Any, tmp_path: Path) -> Align:
    """Return a function that trains the tiny model and returns it, the summary and the rows."""

    def run(
        groups: list[RatedGroup], folder: str = "run", stop: int | None = None, **changes: Any
    ) -> tuple[Any, Any, Rows]:
        model, logged = tiny_llama(len(tokenizer)), Rows(stop)
        method = StableAlignment(dataclasses.replace(QUICK, **changes))
        summary = train(
            model, tokenizer, groups, method, tmp_path / folder, [logged], progress=False
        )
        return model, summary, logged

    return run


def groups_of_two(count: int) -> list[RatedGroup]:
    """Return groups of which every two share a prompt, a single word."""
    words = list(dict.fromkeys(WORDS.split()))
    return [
        dataclasses.replace(group, prompt=(Message("user", words[number // 2]),))
        for number, group in enumerate(rated_groups(count))
    ]


def split(groups: list[RatedGroup], **changes: Any) -> tuple[list[RatedGroup], list[RatedGroup]]:
    plan = make_plan(dataclasses.replace(QUICK, **changes), groups, lambda group: group)
    return list(plan.learnt), list(plan.held_out)


def test_all_groups_of_a_prompt_are_held_out_or_none() -> None:
    groups = groups_of_two(20)
    learnt, held_out = split(groups, held_out=0.3)
    assert sorted(g.id for g in learnt + held_out) == sorted(g.id for g in groups)
    assert len(held_out) == 6
    assert not {g.prompt for g in learnt} & {g.prompt for g in held_out}
    assert split(groups[::-1], held_out=0.3)[1] == held_out[::-1]
    assert split(groups, held_out=0.3, seed=1)[1] != held_out
    assert split(groups) == (groups, [])


def test_a_share_that_leaves_nothing_on_one_side_is_refused() -> None:
    for share in (0.01, 0.99):
        with pytest.raises(UserError, match=r"method.held_out=0.*10 different prompts"):
            split(groups_of_two(20), held_out=share)


def test_the_loss_on_held_out_groups_is_that_of_a_trainer_that_trains_on_nothing(
    align: Align,
) -> None:
    groups = groups_of_two(20)
    _, held_out = split(groups, held_out=0.3)
    same = {"batch_size": len(held_out), "candidates_per_group": 6, "learning_rate": 1e-12}
    *_, logged = align(groups, held_out=0.3, held_out_steps=2, **same)
    *_, wanted = align(held_out, "whole", max_steps=1, **same)
    assert [row["step"] for row in logged.rows if "held_out/loss" in row] == [2, 4, 6]
    for part in ("loss", "loss/sft", "loss/contrast"):
        got = logged.column("held_out/" + part.removeprefix("loss/"))
        assert got == pytest.approx([wanted.column(part)[0]] * 3, rel=1e-5)


def test_training_ends_once_the_held_out_loss_has_risen_for_a_while(
    align: Align, tmp_path: Path
) -> None:
    _, summary, logged = align(groups_of_two(20), max_steps=40, **RISING)
    losses = logged.column("held_out/loss")
    best = losses.index(min(losses))
    assert summary.steps == len(losses) == best + 3 < 40
    assert re.search(rf"of step {best + 1} in 2 measurements", summary.stopped_early)
    # What is exported is the best, not what came after it.
    assert summary.exported_step == best + 1
    assert summary.loss_start > 0
    assert [row["held_out/loss"] for row in summary.log if "held_out/loss" in row] == losses
    exported = AutoModelForCausalLM.from_pretrained(tmp_path / "run" / "model")
    alone, _, _ = align(groups_of_two(20), "alone", max_steps=best + 1, **RISING)
    for one, two in zip(exported.parameters(), alone.parameters(), strict=True):
        assert torch.equal(one, two)


def test_the_best_is_exported_of_a_run_that_came_to_its_end_too(align: Align) -> None:
    settings = {**RISING, "held_out_steps": 3, "patience": 50}
    _, summary, logged = align(groups_of_two(20), max_steps=8, **settings)
    measured = {row["step"]: row["held_out/loss"] for row in logged.rows if "held_out/loss" in row}
    assert list(measured) == [3, 6, 8]
    assert summary.stopped_early is None
    assert summary.exported_step == min(measured, key=lambda step: measured[step])


def test_a_stop_between_two_rows_of_the_log_has_a_row_of_its_own(align: Align) -> None:
    _, summary, _ = align(groups_of_two(20), max_steps=40, logging_steps=30, **RISING)
    assert summary.steps % 30
    assert summary.log[-1]["step"] == summary.steps
    assert math.isfinite(summary.loss_end)


@pytest.mark.parametrize("kind", [Sft, Dpo, Kto, ChainOfHindsight])
def test_methods_on_trl_measure_held_out_groups_too(
    tokenizer: Any, tmp_path: Path, kind: Any
) -> None:
    shared = {"device": "cpu", "bf16": False, "max_length": 64, "logging_steps": 1}
    settings = {"learning_rate": 0.3, "max_steps": 40, "held_out": 0.3, "held_out_steps": 1}
    method = make_method(kind, **shared, **settings)
    groups = groups_of_two(20)
    summary = train(tiny_llama(len(tokenizer)), tokenizer, groups, method, tmp_path, progress=False)
    losses = [row["eval_loss"] for row in summary.log if "eval_loss" in row]
    assert summary.steps == len(losses)
    assert losses[summary.exported_step - 1] == min(losses)
    assert (tmp_path / "model" / "model.safetensors").exists()


@pytest.mark.parametrize("schedule", ["reduce_lr_on_plateau", "greedy"])
def test_a_schedule_can_follow_the_loss_on_held_out_groups(align: Align, schedule: str) -> None:
    arguments = {"lr_scheduler_kwargs": {"patience": 0, "factor": 0.5, "threshold": 0.9}}
    settings = {"held_out": 0.3, "held_out_steps": 1, "schedule": schedule, "extra": arguments}
    _, _, logged = align(groups_of_two(20), **settings)
    rates = logged.column("learning_rate")
    assert len(set(rates)) > 1


def test_a_run_that_ends_with_its_tokens_is_measured_there(align: Align) -> None:
    settings = {"held_out": 0.3, "held_out_steps": 1000, "epochs": 50, "max_steps": -1}
    _, summary, logged = align(groups_of_two(20), max_tokens=600, **settings)
    assert [row["step"] for row in logged.rows if "held_out/loss" in row] == [summary.steps]


def test_a_resumed_run_ends_where_the_uninterrupted_one_did(align: Align) -> None:
    settings = {**RISING, "max_steps": 40, "save_steps": 1}
    whole, summary, _ = align(groups_of_two(20), "whole", **settings)
    with pytest.raises(KeyboardInterrupt):
        align(groups_of_two(20), "cut", stop=summary.steps - 1, **settings)
    resumed, again, _ = align(groups_of_two(20), "cut", **settings)
    assert (again.steps, again.stopped_early) == (summary.steps, summary.stopped_early)
    for one, two in zip(whole.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(one, two)
    # And one that had ended does not go on.
    _, after, logged = align(groups_of_two(20), "cut", **settings)
    assert (after.steps, logged.rows) == (summary.steps, [])


def test_how_much_likelier_the_best_have_become_is_logged(align: Align, tokenizer: Any) -> None:
    groups = rated_groups(4)
    best = [max(g.candidates, key=lambda c: c.rating or 0) for g in groups]
    pairs = [(group.prompt, c.text) for group, c in zip(groups, best, strict=True)]
    start = mean_nll(tiny_llama(len(tokenizer)), tokenizer, pairs, max_length=64)
    # One batch is the whole data: what is logged at step 4 is of the model after three steps.
    *_, logged = align(groups, batch_size=4, max_steps=4, candidates_per_group=4)
    model, *_ = align(groups, "three", batch_size=4, max_steps=3, candidates_per_group=4)
    ratios = logged.column("log_ratio")
    assert ratios[0] == pytest.approx(0, abs=1e-5)
    now = mean_nll(model.eval(), tokenizer, pairs, max_length=64)
    wanted = sum(a - b for a, b in zip(start, now, strict=True)) / 4
    assert ratios[3] == pytest.approx(wanted, rel=1e-3)
    assert wanted > 0.1


def test_a_resumed_run_compares_with_the_model_before_training(align: Align) -> None:
    *_, whole = align(rated_groups(12), "whole")
    with pytest.raises(KeyboardInterrupt):
        align(rated_groups(12), "cut", stop=3)
    *_, rest = align(rated_groups(12), "cut")
    assert rest.column("log_ratio") == whole.column("log_ratio")[2:]


def test_only_as_many_groups_as_asked_are_read_before_training(align: Align) -> None:
    *_, logged = align([rated("g", ("fine", 7.0)), *rated_groups(11)], divergence_groups=0)
    assert logged.column("log_ratio") == []
    *_, logged = align(rated_groups(12), "some", divergence_groups=2, max_steps=3)
    # Three steps are an epoch of 12 groups in batches of 4.
    assert 1 <= len(logged.column("log_ratio")) <= 2


@pytest.mark.parametrize(
    ("name", "value"),
    [("divergence_groups", -1), ("held_out", 1.0), ("held_out_steps", 0), ("patience", 0)],
)
def test_a_setting_that_makes_no_sense_is_named(name: str, value: Any) -> None:
    with pytest.raises(UserError, match=f"method.{name}: must be"):
        dataclasses.replace(QUICK, **{name: value})


@pytest.mark.parametrize("name", ["held_out_steps", "patience"])
def test_a_setting_of_held_out_groups_is_refused_where_there_are_none(name: str) -> None:
    with pytest.raises(UserError, match=f"method.{name}: is only read with method.held_out"):
        SftConfig(**{name: 7})
    assert getattr(SftConfig(held_out=0.1, **{name: 7}), name) == 7
