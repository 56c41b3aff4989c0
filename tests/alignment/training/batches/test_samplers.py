"""Three stages, one after the other, or everything mixed."""

import dataclasses
from collections.abc import Callable
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
import torch

from social_sandbox.alignment.data.groups import RatedGroup
from social_sandbox.alignment.methods.kto import Kto
from social_sandbox.alignment.methods.sft import Sft
from social_sandbox.alignment.methods.stable_alignment import StableAlignment
from social_sandbox.alignment.training.batches.samplers import in_stages
from social_sandbox.alignment.training.method import Method
from social_sandbox.alignment.training.train import train
from social_sandbox.envs.errors import UserError
from social_sandbox.envs.text.messages import Message
from tests.helpers.methods import make_method
from tests.helpers.programs.stop_at import StopAt
from tests.helpers.tiny import rated, rated_groups, tiny_llama

from ...methods.test_methods import QUICK, every_method, trainer_of

PROMPTS = {"realignment": "help", "self_critic": "please", "hh": "of", "imitation": "course"}
"""The prompt of the groups of each kind, in another order than the stages."""


def groups_of_kinds(each: int = 3) -> list[RatedGroup]:
    """Return groups whose kinds alternate."""
    return [
        dataclasses.replace(
            rated(f"{kind}{n}", ("i am fine", 7.0), ("yes", 5.0), ("no", 2.0), ("go away", 1.0)),
            kind=kind,
            prompt=(Message("user", word),),
        )
        for n in range(each)
        for kind, word in PROMPTS.items()
    ]


def kinds_seen(trainer: Any, tokenizer: Any) -> list[str]:
    """Return the kinds of all rows in the order of training."""
    words = {tokenizer.convert_tokens_to_ids(word): kind for kind, word in PROMPTS.items()}
    rows = [
        row
        for batch in trainer.get_train_dataloader()
        for row in (batch["prompt_ids"] if "prompt_ids" in batch else batch["input_ids"]).tolist()
    ]
    return [next(words[token] for token in row if token in words) for row in rows]


@pytest.fixture
def align(tokenizer: Any, tmp_path: Path) -> Callable[..., Any]:
    def run(
        kind: type[Method],
        folder: str = "run",
        groups: Any = None,
        callbacks: Any = (),
        **settings: Any,
    ) -> Any:
        model = tiny_llama(len(tokenizer))
        method = make_method(
            kind, **{**QUICK, "max_steps": -1, "epochs": 2.0, "stages": "three", **settings}
        )
        groups = groups_of_kinds() if groups is None else groups
        summary = train(
            model, tokenizer, groups, method, tmp_path / folder, callbacks, progress=False
        )
        return model, summary

    return run


def test_every_stage_has_all_its_epochs_before_the_next() -> None:
    kinds = ["realignment", "hh", "imitation", "self_critic"] * 5
    order = in_stages(kinds, 2.4, seed=0)
    assert [kind for kind, _ in groupby(kinds[n] for n in order if kinds[n] != "hh")] == [
        "imitation",
        "self_critic",
        "realignment",
    ]
    first = [n for n in order if kinds[n] in ("hh", "imitation")]
    assert list(order[: len(first)]) == first
    assert len(first) == 10 + 10 + 4
    epochs = first[:10], first[10:20]
    whole = [n for n, kind in enumerate(kinds) if kind in ("hh", "imitation")]
    assert sorted(epochs[0]) == sorted(epochs[1]) == whole
    assert epochs[0] != epochs[1] != whole
    assert order == in_stages(kinds, 2.4, seed=0) != in_stages(kinds, 2.4, seed=1)
    assert {kinds[n] for n in in_stages(kinds, 0.01, seed=0)} >= {"self_critic", "realignment"}


@every_method
def test_a_trainer_sees_stage_after_stage(
    tokenizer: Any, tmp_path: Path, kind: type[Method]
) -> None:
    settings = {**QUICK, "max_steps": -1, "epochs": 1.5, "batch_size": 2}
    method = make_method(kind, **settings, stages="three")
    trainer = trainer_of(method, tokenizer, tmp_path, groups_of_kinds(4))
    kinds = kinds_seen(trainer, tokenizer)
    stages = [{"self_critic": 1, "realignment": 2}.get(kind, 0) for kind in kinds]
    assert stages == sorted(stages)
    assert set(kinds) == set(PROMPTS)
    mixed = trainer_of(make_method(kind, **settings), tokenizer, tmp_path, groups_of_kinds(4))
    apart = kinds_seen(mixed, tokenizer)
    assert len([1 for _ in groupby(apart)]) > 4
    assert len(kinds) == pytest.approx(1.5 * len(apart), rel=0.05)


@every_method
def test_stages_are_one_run_that_ends_by_itself(align: Any, kind: type[Method]) -> None:
    settings = {"batch_size": 4, "schedule": "linear"}
    _, summary = align(kind, **settings)
    _, mixed = align(kind, "mixed", stages="mixed", **settings)
    for name in ("steps", "examples", "groups", "dropped_groups", "masked_candidates"):
        assert getattr(summary, name) == getattr(mixed, name), name
    assert summary.tokens == pytest.approx(mixed.tokens, rel=0.1)
    assert summary.log[-1]["learning_rate"] < 0.2 * QUICK["learning_rate"]
    # More steps than there are do not begin again, and fewer end the run.
    _, longer = align(kind, "longer", max_steps=1000, **settings)
    _, shorter = align(kind, "shorter", max_steps=2, **settings)
    assert (longer.steps, shorter.steps) == (summary.steps, 2)


@pytest.mark.parametrize("kind", [StableAlignment, Sft, Kto])
def test_a_run_in_stages_resumes_to_the_same_weights(align: Any, kind: type[Method]) -> None:
    settings = {"batch_size": 2, "accumulation": 2, "candidates_per_group": 2}
    if kind is not StableAlignment:
        del settings["candidates_per_group"]
    whole, summary = align(kind, "whole", **settings)
    with pytest.raises(KeyboardInterrupt):
        align(kind, "cut", callbacks=[StopAt(5)], **settings)
    resumed, again = align(kind, "cut", **settings)
    for (name, one), two in zip(whole.named_parameters(), resumed.parameters(), strict=True):
        torch.testing.assert_close(one, two, rtol=0, atol=0, msg=name)
    assert again.tokens == summary.tokens
    assert [row["loss"] for row in again.log] == [row["loss"] for row in summary.log]


@pytest.mark.parametrize("kind", [StableAlignment, Sft])
def test_one_kind_alone_is_trained_as_if_mixed(align: Any, kind: type[Method]) -> None:
    one, summary = align(kind, "three", rated_groups(12))
    two, mixed = align(kind, "mixed", rated_groups(12), stages="mixed")
    assert summary.steps == mixed.steps
    for a, b in zip(one.parameters(), two.parameters(), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize("kind", [StableAlignment, Sft])
def test_a_run_in_stages_stops_when_its_tokens_are_spent(align: Any, kind: type[Method]) -> None:
    """And the learning rate ends there, though one stage has longer texts than another."""
    groups = [
        *(rated(f"{n}", ("no", 1.0), ("yes", 7.0)) for n in range(40)),
        *(
            dataclasses.replace(
                rated("yes of course " * 6, ("no", 1.0), ("yes", 7.0)), kind="realignment"
            )
            for _ in range(40)
        ),
    ]
    # So few texts are soon as unlikely as the loss asks for, which would end the training.
    lasting = {"epochs": 4} | ({"stop_nll": None} if kind is StableAlignment else {})
    whole = align(kind, "whole", groups, **lasting)[1]
    enough = 0.6 * whole.tokens
    settings = {"schedule": "linear", "max_tokens": int(enough), **lasting}
    _, summary = align(kind, groups=groups, **settings)
    assert enough <= summary.tokens < enough + 2 * 4 * 64
    assert summary.log[-1]["learning_rate"] < 0.1 * QUICK["learning_rate"]


@pytest.mark.parametrize("kind", [Sft, Kto])
def test_batches_of_a_stage_hold_examples_of_like_length(
    tokenizer: Any, tmp_path: Path, kind: type[Method]
) -> None:
    groups = [
        dataclasses.replace(
            rated(f"{n}", ("no " * (1 + n % 8), 2.0), ("yes " * (1 + n % 8), 6.0)), kind=data_kind
        )
        for n in range(32)
        for data_kind in ("imitation", "realignment")
    ]
    method = make_method(
        kind, **{**QUICK, "max_steps": -1, "epochs": 1, "batch_size": 4}, stages="three"
    )
    batches = list(trainer_of(method, tokenizer, tmp_path, groups).get_train_dataloader())
    lengths = [batch["attention_mask"].sum(1) for batch in batches]
    assert all(rows.max() - rows.min() <= 8 for rows in lengths)


def test_an_order_that_does_not_exist_is_named() -> None:
    with pytest.raises(UserError, match=r"method\.stages: must be mixed or three, got 'four'"):
        make_method(Sft, stages="four")  # type: ignore[arg-type]
