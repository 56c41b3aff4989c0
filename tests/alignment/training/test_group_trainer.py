import dataclasses
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from social_sandbox.alignment.data.parts import in_parts
from social_sandbox.alignment.methods.stable_alignment import StableAlignment, StableAlignmentConfig
from social_sandbox.alignment.training.arguments import training_arguments
from social_sandbox.alignment.training.batches.batching import (
    GroupCollator,
    GroupDataset,
    pad_token_id,
)
from social_sandbox.alignment.training.batches.encoding import EncodedGroup, encode
from social_sandbox.alignment.training.batches.samplers import EpochSampler
from social_sandbox.alignment.training.group_trainer import GroupTrainer
from social_sandbox.alignment.training.loss.losses import stable_alignment
from social_sandbox.alignment.training.train import train
from social_sandbox.alignment.training.weights.checkpoints import last_checkpoint
from social_sandbox.envs.errors import UserError
from tests.helpers.programs.stop_at import StopAt
from tests.helpers.tiny import rated, rated_groups, tiny_llama

QUICK = StableAlignmentConfig(
    device="cpu",
    bf16=False,
    max_length=64,
    learning_rate=1e-2,
    max_steps=6,
    candidates_per_group=3,
    warmup_ratio=0.0,
    schedule="constant",
    logging_steps=1,
    save_steps=2,
    packing=False,
    stop_nll=None,
)


class SeenBatches:
    """A trainer's batches, as token ids in the order of training."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ids: list[list[list[int]]] = []
        original = GroupTrainer.compute_loss

        def compute_loss(trainer: Any, model: Any, inputs: Any, *rest: Any, **more: Any) -> Any:
            self.ids.append(inputs["input_ids"].tolist())
            return original(trainer, model, inputs, *rest, **more)

        monkeypatch.setattr(GroupTrainer, "compute_loss", compute_loss)


@pytest.fixture
def align(tokenizer: Any, tmp_path: Path) -> Callable[..., Any]:
    """Train the tiny model; gives it and the summary."""

    def run(folder: str = "run", groups: Any = None, callbacks: Any = (), **changes: Any) -> Any:
        model = tiny_llama(len(tokenizer))
        method = StableAlignment(dataclasses.replace(QUICK, **changes))
        groups = rated_groups(12) if groups is None else groups
        summary = train(
            model, tokenizer, groups, method, tmp_path / folder, callbacks, progress=False
        )
        return model, summary

    return run


def trainer_for(model: Any, tokenizer: Any, tmp_path: Path, **changes: Any) -> GroupTrainer:
    config = dataclasses.replace(QUICK, **changes)
    groups = list(in_parts(rated_groups(12), config.candidates_per_group, config.seed))
    data = GroupDataset(groups, tokenizer, max_length=64)
    args = training_arguments(config, tmp_path, progress=False)
    chunk = config.logits_chunk
    loss = StableAlignment(config).loss
    return GroupTrainer(model, args, data, loss, packing=config.packing, logits_chunk=chunk)


def batch_of(tokenizer: Any, *groups: Any) -> dict[str, Any]:
    asked = groups[0].prompt
    return GroupCollator(pad_token_id(tokenizer))(
        [
            EncodedGroup(
                tuple(encode(tokenizer, asked, c.text, 64) for c in group.candidates),
                tuple(c.rating for c in group.candidates),
            )
            for group in groups
        ]
    )


def assert_same_weights(one: Any, two: Any, tolerance: float = 0.0) -> None:
    for (name, a), b in zip(one.named_parameters(), two.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=tolerance, atol=tolerance, msg=name)


def test_the_loss_falls_and_the_run_is_told(align: Any) -> None:
    groups = [*rated_groups(12), rated("blank", (" ", 7.0)), rated("unrated", ("fine", None))]
    groups.append(rated("half", ("fine", 6.0), ("", 1.0), ("go away", None)))
    _, summary = align(groups=groups, max_steps=30, save_steps=100)
    assert summary.loss_end < 0.7 * summary.loss_start
    assert (summary.steps, summary.groups) == (30, 13)
    assert (summary.dropped_groups, summary.masked_candidates) == (2, 2)
    assert summary.tokens > 0
    assert summary.seconds > 0
    row = summary.log[-1]
    for name in ("loss", "loss/sft", "loss/contrast", "hinge_active", "learning_rate"):
        assert name in row
    assert 0 <= row["margin_violations"] < summary.log[0]["margin_violations"]
    assert row["nll/past_margin"] > 0 > summary.log[0]["nll/past_margin"]
    assert summary.stopped_early is None
    assert 1 < row["response_tokens"] < 7
    assert row["loss"] == pytest.approx(row["loss/sft"] + row["loss/contrast"], rel=1e-4)
    named = {name for each in summary.log for name in each}
    assert {"nll/rating_7", "nll/rating_1", "train_tokens_per_second"} <= named
    assert row["masked_candidates"] == row["truncated"] == 0
    assert row["eos_probability"] > summary.log[0]["eos_probability"]
    assert json.dumps(dataclasses.asdict(summary))


def test_the_exported_model_loads_and_says_what_it_said(
    align: Any, tokenizer: Any, tmp_path: Path
) -> None:
    model, _ = align()
    folder = tmp_path / "run" / "model"
    loaded = AutoModelForCausalLM.from_pretrained(folder)
    assert_same_weights(model, loaded)
    assert AutoTokenizer.from_pretrained(folder).chat_template == tokenizer.chat_template
    files = {path.name for path in folder.iterdir()}
    assert "model.safetensors" in files
    assert not [name for name in files if name.endswith(".bin")]


def test_weights_stay_float32_whatever_is_computed_in(tokenizer: Any, tmp_path: Path) -> None:
    model = tiny_llama(len(tokenizer)).bfloat16()
    method = StableAlignment(dataclasses.replace(QUICK, bf16=True, max_steps=2))
    summary = train(model, tokenizer, rated_groups(12), method, tmp_path, progress=False)
    assert {p.dtype for p in model.parameters()} == {torch.float32}
    exported = AutoModelForCausalLM.from_pretrained(tmp_path / "model", dtype="auto")
    assert {p.dtype for p in exported.parameters()} == {torch.float32}
    assert summary.loss_start > 0


@pytest.mark.parametrize("bf16", [False, True])
def test_how_a_batch_is_accumulated_does_not_matter(align: Any, bf16: bool) -> None:
    # Groups differ in size, and 12 groups make one whole batch of 8 and one of 4.
    models = [
        align(f"{size}", batch_size=size, accumulation=8 // size, bf16=bf16, max_steps=3)
        for size in (8, 4, 2, 1)
    ]
    whole, losses = models[0][0], [row["loss"] for row in models[0][1].log]
    for model, summary in models[1:]:
        assert [row["loss"] for row in summary.log] == pytest.approx(
            losses, rel=0.02 if bf16 else 1e-4
        )
        if not bf16:
            assert_same_weights(model, whole, 1e-4)


def test_the_gradient_does_not_grow_with_accumulation(align: Any) -> None:
    """The trap: a loss that is a mean already, taken for a sum over the accumulated batch."""
    norms = []
    for size in (8, 2):
        _, summary = align(f"{size}", batch_size=size, accumulation=8 // size, max_steps=1)
        norms.append(summary.log[0]["grad_norm"])
    assert norms[1] == pytest.approx(norms[0], rel=1e-4)


def test_micro_batches_with_fewer_valid_groups_weigh_less(
    model: Any, tokenizer: Any, tmp_path: Path
) -> None:
    trainer = trainer_for(model, tokenizer, tmp_path, accumulation=2)
    mixed = [
        batch_of(tokenizer, rated("a", ("i am fine", 7.0), ("no", 1.0)), rated("b", ("go", None))),
        batch_of(tokenizer, rated("c", ("yes of course", 6.0)), rated("d", ("never", 2.0))),
    ]
    assert [batch["n_valid_groups"] for batch in mixed] == [1, 2]
    batches, count = trainer.get_batch_samples(iter(mixed), 2, torch.device("cpu"))
    assert count == 3
    parts = [trainer.compute_loss(model, b, num_items_in_batch=count) for b in batches]
    whole = batch_of(
        tokenizer,
        *(rated("a", ("i am fine", 7.0), ("no", 1.0)), rated("c", ("yes of course", 6.0))),
        rated("d", ("never", 2.0)),
    )
    torch.testing.assert_close(sum(parts), trainer.compute_loss(model, whole))


def test_the_loss_is_that_of_the_response_tokens_alone(
    model: Any, tokenizer: Any, tmp_path: Path
) -> None:
    trainer = trainer_for(model.eval(), tokenizer, tmp_path, margin=5.0, ratio=0.2)
    groups = (rated("a", ("i am fine", 7.0), ("no", 1.0)), rated("b", ("yes", 4.0)))
    batch = batch_of(tokenizer, *groups)
    nll = [
        model(
            input_ids=torch.tensor([row.input_ids]), labels=torch.tensor([row.labels])
        ).loss.item()
        for group in groups
        for row in [encode(tokenizer, group.prompt, c.text, 64) for c in group.candidates]
    ]
    wanted = stable_alignment(
        torch.tensor(nll), batch["rating"], batch["group"], 2, margin=5.0, ratio=0.2
    )
    torch.testing.assert_close(trainer.compute_loss(model, batch), wanted.mean)


def test_padding_and_its_side_do_not_matter(model: Any, tokenizer: Any, tmp_path: Path) -> None:
    trainer = trainer_for(model, tokenizer, tmp_path)
    batch = batch_of(tokenizer, *rated_groups(4))
    wanted = trainer.compute_loss(model, batch)
    filler = {"input_ids": 1, "attention_mask": 0, "predicts": False}
    for sides in ((0, 7), (7, 0)):
        padded = {
            name: torch.nn.functional.pad(value, sides, value=filler[name])
            if name in filler
            else value
            for name, value in batch.items()
        }
        torch.testing.assert_close(trainer.compute_loss(model, padded), wanted)


def test_a_model_that_cannot_select_logits_gives_the_same_loss(
    model: Any, tokenizer: Any, tmp_path: Path
) -> None:
    trainer = trainer_for(model, tokenizer, tmp_path)
    batch = batch_of(tokenizer, *rated_groups(4))
    trainer.likelihood.chunk = None
    assert trainer.likelihood.selects
    wanted = trainer.compute_loss(model, batch)
    trainer.likelihood.selects = False
    torch.testing.assert_close(trainer.compute_loss(model, batch), wanted)


def test_a_batch_without_a_response_is_counted_and_harmless(
    model: Any, tokenizer: Any, tmp_path: Path
) -> None:
    trainer = trainer_for(model.train(), tokenizer, tmp_path)
    batch = batch_of(tokenizer, rated("a", (" ", 7.0), ("", 1.0)))
    _, count = trainer.get_batch_samples(iter([batch]), 1, torch.device("cpu"))
    loss = trainer.compute_loss(model, batch, num_items_in_batch=count)
    loss.backward()
    assert (loss.item(), count.item()) == (0, 0)
    assert all(p.grad is None or torch.isfinite(p.grad).all() for p in model.parameters())
    logs = {"loss": 0.0}
    trainer.log(logs)
    assert logs["masked_candidates"] == 2


def test_a_packed_run_ends_with_the_weights_of_one_that_is_not(align: Any) -> None:
    apart, one = align("apart")
    packed, two = align("packed", packing=True, logits_chunk=3)
    assert two.tokens < one.tokens
    assert [row["loss"] for row in two.log] == pytest.approx(
        [row["loss"] for row in one.log], rel=1e-4
    )
    assert_same_weights(packed, apart, 1e-3)


def test_training_ends_with_a_reason_when_the_low_rated_are_far_past_the_margin(
    align: Any, tmp_path: Path
) -> None:
    settings = {"max_steps": 60, "stop_nll": 3.0, "save_steps": 100}
    model, summary = align(**settings)
    assert "less likely than the loss asks for (method.stop_nll=3)" in summary.stopped_early
    assert summary.log[-1]["nll/past_margin"] > 3 > summary.log[-2]["nll/past_margin"]
    assert summary.steps == summary.log[-1]["step"] < 60
    exported = tmp_path / "run" / "model"
    assert_same_weights(AutoModelForCausalLM.from_pretrained(exported), model)
    # Killed before its export, it is exported and not trained on.
    exported.rename(tmp_path / "lost")
    again, same = align(**settings)
    assert_same_weights(again, model)
    assert (same.steps, same.stopped_early) == (summary.steps, summary.stopped_early)
    assert exported.exists()


def test_by_default_a_margin_of_10_that_is_driven_past_ends_training(align: Any) -> None:
    default = StableAlignmentConfig().stop_nll
    assert default == 5
    _, summary = align(margin=10.0, ratio=5.0, max_steps=200, save_steps=500, stop_nll=default)
    assert "(method.stop_nll=5)" in summary.stopped_early
    assert summary.steps < 200
    assert summary.log[-1]["nll/past_margin"] > 5


@pytest.mark.parametrize("size", [2, 3, 9])
def test_every_epoch_reads_all_responses_in_an_order_of_its_own(
    align: Any, tokenizer: Any, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    seen = SeenBatches(monkeypatch)
    align(batch_size=100, max_steps=3, candidates_per_group=size)
    first, second, third = seen.ids
    assert first != second != third
    assert sorted(first) == sorted(second) == sorted(third)
    groups = rated_groups(12)
    rows = {encode(tokenizer, g.prompt, c.text, 64).input_ids for g in groups for c in g.candidates}
    padding = pad_token_id(tokenizer)

    def unpadded(ids: Sequence[int]) -> tuple[int, ...]:
        return tuple(number for number in ids if number != padding)

    assert set(map(unpadded, first)) == set(map(unpadded, rows))


@pytest.mark.parametrize("stop", [3, 5])
def test_an_interrupted_run_ends_with_the_weights_of_an_uninterrupted_one(
    align: Any, monkeypatch: pytest.MonkeyPatch, stop: int
) -> None:
    # 12 groups, 2 a pass, 2 passes a step: 3 steps an epoch, so both stops are amid an epoch.
    settings = {"batch_size": 2, "accumulation": 2, "max_steps": 7, "candidates_per_group": 2}
    seen = SeenBatches(monkeypatch)
    whole, summary = align("whole", **settings)
    uninterrupted, seen.ids = seen.ids, []
    with pytest.raises(KeyboardInterrupt):
        align("cut", callbacks=[StopAt(stop)], **settings)
    assert seen.ids == uninterrupted[: 2 * stop]
    seen.ids = []
    resumed, again = align("cut", **settings)
    saved = stop // 2 * 2
    assert seen.ids == uninterrupted[2 * saved :]
    assert_same_weights(resumed, whole)
    assert again.tokens == summary.tokens
    assert [row["loss"] for row in again.log] == [row["loss"] for row in summary.log]


def test_a_run_cut_before_its_export_is_exported_without_another_step(
    align: Any, tmp_path: Path
) -> None:
    model, summary = align(max_steps=5, batch_size=2)
    exported = tmp_path / "run" / "model"
    exported.rename(tmp_path / "lost")
    again, same = align(max_steps=5, batch_size=2)
    assert_same_weights(again, model)
    assert (same.steps, same.tokens, same.log) == (5, summary.tokens, summary.log)
    assert (exported / "model.safetensors").exists()


def test_the_seconds_of_a_resumed_run_are_those_of_all_its_parts(
    align: Any, tmp_path: Path
) -> None:
    with pytest.raises(KeyboardInterrupt):
        align(callbacks=[StopAt(3)])
    path = tmp_path / "run" / "checkpoints" / "checkpoint-2" / "trainer_state.json"
    state = json.loads(path.read_text())
    assert state["stateful_callbacks"]["seconds"] > 0
    state["stateful_callbacks"]["seconds"] = 10_000.0
    path.write_text(json.dumps(state))
    _, summary = align()
    assert 10_000 < summary.seconds < 20_000
    # And so after another cut, before the export.
    _, same = align()
    assert same.seconds > 10_000


def test_a_run_that_did_not_end_exports_nothing(align: Any, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        align(callbacks=[StopAt(3)])
    assert not (tmp_path / "run" / "model").exists()


def test_a_run_does_not_go_on_in_another_number_of_processes(
    align: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(KeyboardInterrupt):
        align(max_steps=6, callbacks=[StopAt(3)])
    state = next((tmp_path / "run" / "checkpoints").glob("*/trainer_state.json"))
    told = json.loads(state.read_text())
    assert told["stateful_callbacks"]["processes"] == 1
    told["stateful_callbacks"]["processes"] = 2
    state.write_text(json.dumps(told))
    with pytest.raises(UserError, match="written by 2 processes, this run has 1"):
        align(max_steps=6)


def test_half_a_checkpoint_is_passed_over(tmp_path: Path) -> None:
    assert last_checkpoint(tmp_path) is None
    for step in (2, 10, 12):
        (tmp_path / f"checkpoint-{step}").mkdir()
    for step in (2, 10):
        (tmp_path / f"checkpoint-{step}" / "trainer_state.json").write_text("{}")
    (tmp_path / "checkpoint-12" / "trainer_state.json").write_text('{"epo')
    assert last_checkpoint(tmp_path) == tmp_path / "checkpoint-10"


def test_every_epoch_has_an_order_of_its_own() -> None:
    sampler = EpochSampler([1] * 20, seed=0)
    first = list(sampler)
    assert first == list(sampler)
    sampler.epoch = 1
    second = list(sampler)
    assert sorted(second) == list(range(20))
    assert second != first


def test_nothing_to_train_on_is_said(align: Any) -> None:
    for groups in ([], [rated("blank", (" ", 7.0), ("fine", None))]):
        with pytest.raises(UserError, match=f"none of the {len(groups)} groups"):
            align(groups=groups)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("margin", -1.0),
        ("margin", float("nan")),
        ("ratio", float("inf")),
        ("rating_scale", 0.0),
        ("reduce", "median"),
        ("candidates_per_group", 0),
        ("max_length", 4),
        ("max_steps", 0),
        ("warmup_ratio", 1.0),
        ("schedule", "sideways"),
        ("save_steps", 0),
        ("device", "abacus"),
        ("logits_chunk", 0),
        ("stop_nll", 0.0),
        ("packing", "maybe"),
    ],
)
def test_a_setting_that_makes_no_sense_is_named(name: str, value: Any) -> None:
    with pytest.raises(UserError, match=f"method.{name}: must be"):
        dataclasses.replace(QUICK, **{name: value})


def test_extra_arguments_reach_the_trainer_or_are_named(tmp_path: Path) -> None:
    config = dataclasses.replace(QUICK, extra={"adam_beta2": 0.95, "save_total_limit": 5})
    args = training_arguments(config, tmp_path)
    assert (args.adam_beta2, args.save_total_limit, args.report_to) == (0.95, 5, [])
    for name in ("learning_rate", "adam_bete"):
        with pytest.raises(UserError, match=name):
            training_arguments(dataclasses.replace(QUICK, extra={name: 1}), tmp_path)


@pytest.mark.embedded
def test_the_embedded_model_learns_from_a_few_groups(tmp_path: Path) -> None:
    from social_sandbox.policies.huggingface.smollm2 import resolve_model

    folder = resolve_model("smollm2")
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    smollm2 = AutoTokenizer.from_pretrained(folder)
    config = dataclasses.replace(
        QUICK, bf16=None, max_steps=3, batch_size=2, learning_rate=5e-5, save_steps=100
    )
    method = StableAlignment(config)
    summary = train(model, smollm2, rated_groups(4)[1:3], method, tmp_path, progress=False)
    assert summary.loss_end < summary.loss_start
    assert 0 < summary.log[0]["eos_probability"] < 1


def test_groups_of_like_length_share_a_batch() -> None:
    lengths = [n % 50 for n in range(203)]
    sampler = EpochSampler(lengths, seed=0, batch=4)
    numbers = list(sampler)
    assert sorted(numbers) == list(range(203))
    batches = [numbers[at : at + 4] for at in range(0, 203, 4)]
    spans = [max(lengths[n] for n in b) - min(lengths[n] for n in b) for b in batches]
    assert sum(spans) / len(spans) < 6  # 30 for four lengths drawn at random
    assert len(batches[-1]) == 3
    # Batches of short and of long groups take turns.
    longest = [max(lengths[n] for n in batch) for batch in batches]
    assert longest != sorted(longest)
