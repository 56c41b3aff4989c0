import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback

from social_sandbox.alignment.methods import config_class
from social_sandbox.alignment.methods.chain_of_hindsight import (
    ChainOfHindsight,
    ChainOfHindsightConfig,
)
from social_sandbox.alignment.methods.dpo import Dpo
from social_sandbox.alignment.methods.kto import Kto
from social_sandbox.alignment.methods.rrhf import Rrhf
from social_sandbox.alignment.methods.sft import Sft
from social_sandbox.alignment.methods.stable_alignment import StableAlignment
from social_sandbox.alignment.training.arguments import training_arguments
from social_sandbox.alignment.training.config import LoraConfig
from social_sandbox.alignment.training.method import Job, Method
from social_sandbox.alignment.training.train import train
from social_sandbox.envs.errors import UserError
from tests.helpers.methods import make_method
from tests.helpers.programs.stop_at import StopAt
from tests.helpers.tiny import rated, rated_groups, tiny_llama

QUICK: dict[str, Any] = {
    "device": "cpu",
    "bf16": False,
    "max_length": 64,
    "learning_rate": 1e-2,
    "max_steps": 6,
    "warmup_ratio": 0.0,
    "schedule": "constant",
    "logging_steps": 1,
    "save_steps": 2,
}
OFFLINE: list[type[Method]] = [
    StableAlignment,
    Rrhf,
    Sft,
    ChainOfHindsight,
    Dpo,
    Kto,
]
every_method = pytest.mark.parametrize("kind", OFFLINE, ids=lambda kind: kind.__name__)


@pytest.fixture
def align(tokenizer: Any, tmp_path: Path) -> Callable[..., Any]:
    """Return a function that trains the tiny model, and returns it and the summary."""

    def run(
        kind: type[Method], folder: str = "run", groups: Any = None, callbacks: Any = (), **own: Any
    ) -> Any:
        model = tiny_llama(len(tokenizer))
        method = make_method(kind, **{**QUICK, **own})
        groups = rated_groups(12) if groups is None else groups
        summary = train(
            model, tokenizer, groups, method, tmp_path / folder, callbacks, progress=False
        )
        return model, summary

    return run


def trainer_of(method: Method, tokenizer: Any, folder: Path, groups: Any) -> Any:
    job = Job(
        model=tiny_llama(len(tokenizer)),
        tokenizer=tokenizer,
        examples=method.select(groups).examples,
        arguments=lambda **own: training_arguments(method.config, folder, False, **own),
        callbacks=[],
        folder=folder,
    )
    return method.make_trainer(job)


def learnt(batch: Any) -> list[list[int]]:
    """Return the tokens of each row that carry loss, in a batch of any method."""
    if "targets" in batch:
        numbers = range(len(batch["rating"]))
        return [batch["targets"][batch["candidate"] == number].tolist() for number in numbers]
    on = batch["labels"] != -100 if "labels" in batch else batch["completion_mask"].bool()
    return [row[mask].tolist() for row, mask in zip(batch["input_ids"], on, strict=True)]


def ids(tokenizer: Any, text: str) -> list[int]:
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])


@every_method
def test_the_loss_falls_and_the_model_loads(
    align: Any, tokenizer: Any, tmp_path: Path, kind: type[Method]
) -> None:
    model, summary = align(kind, max_steps=22, save_steps=100)
    assert summary.loss_end < 0.8 * summary.loss_start
    assert summary.steps == len(summary.log) == 22
    assert summary.tokens > 0
    assert summary.examples >= summary.groups > 0
    assert summary.groups + summary.dropped_groups == 12
    assert json.dumps(dataclasses.asdict(summary))
    folder = tmp_path / "run" / "model"
    loaded = AutoModelForCausalLM.from_pretrained(folder)
    for (name, one), two in zip(model.named_parameters(), loaded.parameters(), strict=True):
        torch.testing.assert_close(one, two, msg=name)
    assert AutoTokenizer.from_pretrained(folder).eos_token == tokenizer.eos_token
    assert not [path.name for path in folder.iterdir() if path.suffix in (".bin", ".pt", ".pkl")]


@every_method
def test_only_tokens_of_responses_carry_loss(
    tokenizer: Any, tmp_path: Path, kind: type[Method]
) -> None:
    group = rated("a", ("i am fine", 7.0), ("go away", 1.0))
    other = rated("b", ("yes of course", 6.0), ("no", 2.0))
    trainer = trainer_of(make_method(kind, **QUICK), tokenizer, tmp_path, [group, other])
    end = [tokenizer.eos_token_id]
    texts = ("i am fine", "go away", "yes of course", "no")
    allowed = [ids(tokenizer, text) + end for text in texts]
    if kind is ChainOfHindsight:
        for worse, better in (("go away", "i am fine"), ("no", "yes of course")):
            allowed.append(ids(tokenizer, worse) + ids(tokenizer, better) + end)
    rows = [row for batch in trainer.get_train_dataloader() for row in learnt(batch)]
    if kind in (StableAlignment, Rrhf):
        # A row may be a prompt with all its responses behind it.
        allowed += [one + two for one, two in (allowed[:2], allowed[2:])]
        rows += [row[: row.index(end[0]) + 1] for row in rows]
    assert rows
    assert all(row in allowed for row in rows), rows
    assert ids(tokenizer, "i am fine") + end in rows


@every_method
def test_a_candidate_that_was_cut_off_teaches_no_end(
    tokenizer: Any, tmp_path: Path, kind: type[Method]
) -> None:
    group = rated("a", ("i am fine", 7.0), ("go away", 1.0))
    other = rated("b", ("yes of course", 6.0), ("no", 2.0))
    cut_off = [
        dataclasses.replace(
            each, candidates=tuple(dataclasses.replace(c, ends=False) for c in each.candidates)
        )
        for each in (group, other)
    ]
    trainer = trainer_of(make_method(kind, **QUICK), tokenizer, tmp_path, cut_off)
    rows = [row for batch in trainer.get_train_dataloader() for row in learnt(batch)]
    assert any(row[-3:] == ids(tokenizer, "i am fine") for row in rows)
    assert not any(tokenizer.eos_token_id in row for row in rows)


@pytest.mark.parametrize("kind", [Sft, StableAlignment])
def test_tokens_are_spent_however_batches_are_accumulated(align: Any, kind: type[Method]) -> None:
    # The last step of an epoch has fewer batches than the others.
    settings = {"batch_size": 2, "accumulation": 5, "epochs": 50, "max_steps": -1}
    _, summary = align(kind, max_tokens=1500, **settings)
    assert summary.tokens >= 1500


@pytest.mark.parametrize("kind", [Sft, ChainOfHindsight, Dpo, Kto])
def test_trl_makes_no_logits_of_prompts(
    tokenizer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: type[Method]
) -> None:
    from trl.trainer.utils import _ChunkedLogProbFunction as Scored

    counts: list[int] = []
    inner = Scored.apply

    def apply(hidden: torch.Tensor, *rest: Any) -> Any:
        counts.append(len(hidden))
        return inner(hidden, *rest)

    monkeypatch.setattr(Scored, "apply", apply)
    trainer = trainer_of(make_method(kind, **QUICK), tokenizer, tmp_path, rated_groups(12))
    batch = next(iter(trainer.get_train_dataloader()))
    assert torch.isfinite(trainer.compute_loss(trainer.model, batch))
    assert sum(map(len, learnt(batch))) in counts
    assert max(counts) < batch["attention_mask"].sum()


@pytest.mark.parametrize("kind", [Sft, Dpo, Kto], ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("stop", [3, 5])
def test_an_interrupted_run_ends_with_the_weights_of_an_uninterrupted_one(
    align: Any, kind: type[Method], stop: int
) -> None:
    settings = {"batch_size": 2, "accumulation": 2, "max_steps": 7}
    whole, summary = align(kind, "whole", **settings)
    with pytest.raises(KeyboardInterrupt):
        align(kind, "cut", callbacks=[StopAt(stop)], **settings)
    resumed, again = align(kind, "cut", **settings)
    for (name, one), two in zip(whole.named_parameters(), resumed.parameters(), strict=True):
        torch.testing.assert_close(one, two, rtol=0, atol=0, msg=name)
    assert again.tokens == summary.tokens
    assert [row["loss"] for row in again.log] == [row["loss"] for row in summary.log]


def test_adapters_resume_to_the_same_weights(align: Any, tmp_path: Path) -> None:
    lora = LoraConfig(rank=4)
    align(Dpo, "whole", max_steps=7, lora=lora)
    with pytest.raises(KeyboardInterrupt):
        align(Dpo, "cut", callbacks=[StopAt(5)], max_steps=7, lora=lora)
    align(Dpo, "cut", max_steps=7, lora=lora)
    one, two = (
        load_file(tmp_path / folder / "adapter" / "adapter_model.safetensors")
        for folder in ("whole", "cut")
    )
    assert one.keys() == two.keys()
    for name, tensor in one.items():
        torch.testing.assert_close(tensor, two[name], rtol=0, atol=0, msg=name)


@every_method
def test_adapters_are_trained_and_merged(
    align: Any, tokenizer: Any, tmp_path: Path, kind: type[Method]
) -> None:
    from peft import PeftModel

    _, summary = align(kind, max_steps=20, save_steps=100, lora=LoraConfig(rank=4, alpha=8))
    assert summary.loss_end < summary.loss_start
    folder = tmp_path / "run"
    adapter = load_file(folder / "adapter" / "adapter_model.safetensors")
    assert all("lora_" in name for name in adapter)
    assert {tensor.dtype for tensor in adapter.values()} == {torch.float32}
    base = tiny_llama(len(tokenizer))
    merged = AutoModelForCausalLM.from_pretrained(folder / "model")
    torch.testing.assert_close(
        merged.get_input_embeddings().weight, base.get_input_embeddings().weight
    )
    said = torch.tensor([ids(tokenizer, "how are you ?")])
    apart = PeftModel.from_pretrained(base, folder / "adapter").eval()
    torch.testing.assert_close(merged(said).logits, apart(said).logits, rtol=1e-4, atol=1e-4)
    fresh = tiny_llama(len(tokenizer))
    assert not torch.allclose(merged(said).logits, fresh(said).logits, atol=1e-3)
    assert not list((folder / "adapter").glob("*.bin"))


def test_the_base_keeps_its_precision_under_adapters(tokenizer: Any, tmp_path: Path) -> None:
    model = tiny_llama(len(tokenizer)).to(torch.bfloat16)
    method = make_method(
        Sft, **{**QUICK, "lora": LoraConfig(rank=2), "gradient_checkpointing": True}
    )
    seen: dict[str, torch.dtype] = {}

    class Look(TrainerCallback):
        def on_step_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
            seen.update({name: p.dtype for name, p in more["model"].named_parameters()})

    train(model, tokenizer, rated_groups(12), method, tmp_path, [Look()], progress=False)
    assert {dtype for name, dtype in seen.items() if "lora_" in name} == {torch.float32}
    assert {dtype for name, dtype in seen.items() if "lora_" not in name} == {torch.bfloat16}


@every_method
def test_a_run_stops_when_its_tokens_are_spent(align: Any, kind: type[Method]) -> None:
    settings: dict[str, Any] = {
        "epochs": 50,
        "max_steps": -1,
        "batch_size": 2,
        "schedule": "linear",
    }
    if kind in (StableAlignment, Rrhf):
        settings["stop_nll"] = None
    _, summary = align(kind, max_tokens=1500, **settings)
    per_step = summary.tokens / summary.steps
    assert 1500 <= summary.tokens < 1500 + 3 * per_step
    # The learning rate ends where the run does.
    assert summary.log[-1]["learning_rate"] < 0.2 * QUICK["learning_rate"]


def test_a_run_whose_tokens_were_spent_before_its_export_is_only_exported(
    align: Any, tmp_path: Path
) -> None:
    model, summary = align(Sft, max_tokens=300, max_steps=50)
    exported = tmp_path / "run" / "model"
    exported.rename(tmp_path / "lost")
    again, same = align(Sft, max_tokens=300, max_steps=50)
    assert (same.steps, same.tokens) == (summary.steps, summary.tokens)
    for one, two in zip(model.parameters(), again.parameters(), strict=True):
        torch.testing.assert_close(one, two, rtol=0, atol=0)
    assert (exported / "model.safetensors").exists()


def test_how_sft_accumulates_a_batch_does_not_matter(align: Any) -> None:
    _, whole = align(Sft, "whole", batch_size=8, max_steps=1)
    _, parts = align(Sft, "parts", batch_size=2, accumulation=4, max_steps=1)
    for name in ("loss", "grad_norm"):
        assert parts.log[0][name] == pytest.approx(whole.log[0][name], rel=1e-3)


@pytest.mark.parametrize("kind", [Sft, ChainOfHindsight, Dpo, Kto])
def test_batches_of_trl_hold_examples_of_similar_length(
    tokenizer: Any, tmp_path: Path, kind: type[Method]
) -> None:
    groups = [
        rated(f"{n}", ("no " * (1 + n % 8), 2.0), ("yes " * (1 + n % 8), 6.0)) for n in range(32)
    ]
    method = make_method(kind, **{**QUICK, "batch_size": 4, "max_length": 512})
    batches = list(trainer_of(method, tokenizer, tmp_path, groups).get_train_dataloader())
    lengths = [batch["attention_mask"].sum(1) for batch in batches]
    assert sum(len(rows) for rows in lengths) >= 32
    assert all(rows.max() - rows.min() <= 8 for rows in lengths)
    means = [rows.float().mean().item() for rows in lengths]
    assert means not in (sorted(means), sorted(means, reverse=True))


def test_sft_imitates_the_best_rated(tokenizer: Any, tmp_path: Path) -> None:
    groups = [
        rated("a", ("no", 2.0), ("yes", 6.0), ("fine", 6.0)),
        rated("b", ("never", 3.0), ("go", None)),
        rated("c", (" ", 7.0)),
        rated("d", ("go away", 1.0)),
    ]
    chosen = Sft().select(groups)
    assert [answer.text for _, answer in chosen.examples] == ["yes", "never"]
    assert chosen.groups == groups[:2]
    high = make_method(Sft, min_rating=5).select(groups)
    assert [answer.text for _, answer in high.examples] == ["yes"]


def test_a_chain_of_hindsight_token_by_token(tokenizer: Any, tmp_path: Path) -> None:
    group = rated("a", ("i am fine", 7.0), ("go away", 1.0), ("no", 3.0))
    method = make_method(
        ChainOfHindsight,
        **QUICK,
        candidates_per_group=3,
        better="fine help",
        worse="please no",
        plain=False,
    )
    trainer = trainer_of(method, tokenizer, tmp_path, [group])
    (row,) = trainer.train_dataset
    words = [
        *[("<|start|>", 0), ("user", 0), ("how", 0), ("are", 0), ("you", 0), ("?<|end|>", 0)],
        *[("<|start|>", 0), ("assistant", 0)],
        *[("please", 0), ("no", 0), ("go", 1), ("away", 1)],
        *[("please", 0), ("no", 0), ("no", 1)],
        *[("fine", 0), ("help", 0), ("i", 1), ("am", 1), ("fine", 1), ("<|end|>", 1)],
    ]
    wanted = [(token, on) for word, on in words for token in ids(tokenizer, word)]
    assert row["input_ids"] == [token for token, _ in wanted]
    assert row["labels"] == [token if on else -100 for token, on in wanted]


def test_a_chain_that_is_too_long_loses_its_worst_answers(tokenizer: Any, tmp_path: Path) -> None:
    group = rated("a", ("i am fine", 7.0), ("go away " * 3, 1.0), ("no", 3.0))
    for length, left in ((64, 3), (20, 2), (14, 1)):
        own = {"candidates_per_group": 3, "better": "fine", "worse": "please", "plain": False}
        method = make_method(ChainOfHindsight, **{**QUICK, "max_length": length}, **own)
        (row,) = trainer_of(method, tokenizer, tmp_path, [group]).train_dataset
        ending = ids(tokenizer, "fine i am fine <|end|>")
        assert row["input_ids"][-len(ending) :] == ending
        assert row["input_ids"].count(*ids(tokenizer, "please")) == left - 1


def test_adapters_over_weights_of_the_first_fsdp_are_refused(
    align: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACCELERATE_USE_FSDP", "true")
    with pytest.raises(UserError, match=r"method.lora: .* fsdp_version: 2"):
        align(Sft, lora=LoraConfig())


def test_a_chain_can_begin_with_the_better_answer() -> None:
    group = rated("a", ("i am fine", 7.0), ("go away", 1.0))
    method = ChainOfHindsight(ChainOfHindsightConfig(order="better_first", plain=False))
    ((_, answers),) = method.select([group]).examples
    assert method.parts(answers) == [
        ("A better answer:", False),
        (" i am fine", True),
        ("\n\nA worse answer:", False),
        (" go away", True),
    ]


def test_pairs_share_the_prompt_that_was_cut(tokenizer: Any, tmp_path: Path) -> None:
    long = rated("a", ("fine " * 12, 7.0), ("no", 1.0))
    method = make_method(Dpo, **{**QUICK, "max_length": 16})
    (row,) = trainer_of(method, tokenizer, tmp_path, [long]).train_dataset
    assert len(row["prompt_ids"]) + len(row["chosen_ids"]) == 16
    assert row["chosen_ids"] == ids(tokenizer, "fine " * 12)[: len(row["chosen_ids"])]
    assert row["rejected_ids"] == [*ids(tokenizer, "no"), tokenizer.eos_token_id]
    assert row["prompt_ids"][-1] == ids(tokenizer, "assistant")[0]


def test_dpo_begins_at_its_reference(align: Any) -> None:
    for lora in (None, LoraConfig(rank=2)):
        _, summary = align(Dpo, f"{lora}", max_steps=1, lora=lora)
        assert summary.log[0]["loss"] == pytest.approx(0.6931, abs=1e-4)


def test_kto_parts_candidates_at_the_threshold(tokenizer: Any, tmp_path: Path) -> None:
    groups = [rated("a", ("fine", 7.0), ("no", 1.0), ("yes", 4.0)), rated("b", ("go", 2.0))]
    examples = make_method(Kto, threshold=4).select(groups).examples
    assert {(c.text, wanted) for _, c, wanted in examples} == {
        ("fine", True),
        ("no", False),
        ("go", False),
    }
    assert {c.text for _, c, wanted in Kto().select(groups).examples if wanted} == {
        "fine",
        "yes",
    }
    rows = trainer_of(make_method(Kto, **QUICK), tokenizer, tmp_path, groups).train_dataset
    go = [*ids(tokenizer, "go"), tokenizer.eos_token_id]
    for row in rows:
        assert (row["KL_completion_ids"] == go) == (row["completion_ids"] != go)


@pytest.mark.parametrize(
    ("ratings", "wanted"), [((1, 1, 1, 4, 7), {4, 7}), ((1, 4, 7, 7, 7), {7}), ((1, 4), {4})]
)
def test_kto_parts_candidates_where_most_have_the_lowest_or_highest_rating(
    ratings: tuple[int, ...], wanted: set[int]
) -> None:
    group = rated("a", *((f"rated {n} {rating}", rating) for n, rating in enumerate(ratings)))
    examples = Kto().select([group]).examples
    assert len(examples) == len(ratings)
    assert {c.rating for _, c, above in examples if above} == wanted


@pytest.mark.parametrize(
    ("method", "groups", "message"),
    [
        (Sft(), [rated("a", (" ", 7.0))], "none of the 1 groups"),
        (
            make_method(Sft, min_rating=7),
            [rated("a", ("no", 2.0))],
            "of at least method.min_rating=7",
        ),
        (ChainOfHindsight(), [rated("a", ("no", 2.0))], "candidates with different ratings"),
        (Dpo(), [rated("a", ("no", 2.0), ("yes", 2.0))], "two candidates whose ratings"),
        (
            make_method(Dpo, min_gap=3),
            [rated("a", ("no", 2.0), ("yes", 4.0))],
            "by method.min_gap=3",
        ),
        (
            make_method(Kto, threshold=5),
            [rated("a", ("no", 2.0), ("yes", 4.0))],
            "rated above method.threshold=5; ratings lie on 2 to 4",
        ),
        (Kto(), [rated("a", ("no", 2.0), ("yes", 2.0))], "all candidates are rated 2"),
        (
            make_method(Kto, threshold=1),
            [rated("a", ("no", 2.0))],
            "rated below method.threshold=1",
        ),
    ],
)
def test_data_without_use_for_a_method_is_an_error(
    method: Method, groups: Any, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        method.select(groups)


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        (Sft, "max_tokens", 0),
        (Sft, "batch_size", 0),
        (ChainOfHindsight, "order", "sideways"),
        (ChainOfHindsight, "candidates_per_group", 1),
        (ChainOfHindsight, "better", " "),
        (Dpo, "beta", 0.0),
        (Dpo, "min_gap", -1.0),
        (Dpo, "pairing", "random"),
        (Dpo, "loss_type", "nope"),
        (Kto, "batch_size", 1),
        (Kto, "desirable_weight", 0.0),
    ],
)
def test_a_wrong_setting_is_named(kind: Any, name: str, value: Any) -> None:
    with pytest.raises(UserError, match=f"method.{name}: must be"):
        config_class(kind)(**{name: value})


def test_a_schedule_without_its_arguments_is_an_error(align: Any) -> None:
    lacking = r"method\.schedule=warmup_stable_decay: .*num_decay_steps.*method\.extra"
    with pytest.raises(UserError, match=lacking):
        align(Sft, schedule="warmup_stable_decay")
    arguments = {"lr_scheduler_kwargs": {"num_decay_steps": 2}}
    align(Sft, schedule="warmup_stable_decay", extra=arguments, max_steps=4)
    with pytest.raises(UserError, match=r"greedy follows the loss on held-out groups"):
        align(Sft, "other", schedule="greedy")


def test_a_wrong_setting_of_the_adapters_is_named() -> None:
    for name, value in (("rank", 0), ("alpha", 0.0), ("dropout", 1.0), ("target_modules", "")):
        with pytest.raises(UserError, match=f"method.lora.{name}: must be"):
            LoraConfig(**{name: value})  # type: ignore[arg-type]


def test_modules_that_the_model_lacks_are_named(align: Any) -> None:
    with pytest.raises(UserError, match="no module 'nope'"):
        align(Sft, lora=LoraConfig(target_modules=["nope"]))
