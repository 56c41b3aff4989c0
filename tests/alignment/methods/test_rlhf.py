"""A reward model and an online method, on a tiny model that is made here."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    LlamaForCausalLM,
    MambaConfig,
    MambaForCausalLM,
    TrainerCallback,
)

from social_sandbox.alignment.data.groups import Candidate, RatedGroup
from social_sandbox.alignment.evaluation.benchmarks.callback import BenchmarkCallback
from social_sandbox.alignment.methods.reinforcement.reward_model import reward_by_model
from social_sandbox.alignment.methods.rlhf import Rlhf, RlhfConfig, reward_by_observer
from social_sandbox.alignment.training.arguments import training_arguments
from social_sandbox.alignment.training.batches.encoding import encode
from social_sandbox.alignment.training.config import LoraConfig
from social_sandbox.alignment.training.method import Job
from social_sandbox.alignment.training.train import train
from social_sandbox.envs.errors import UserError
from social_sandbox.envs.rules.turns import Turn, Utterance
from social_sandbox.envs.text.messages import Message
from tests.helpers.tiny import WORDS, rated_groups, tiny_llama

pytest.importorskip("trl")

QUICK = RlhfConfig(
    device="cpu",
    bf16=False,
    max_length=64,
    max_new_tokens=8,
    max_steps=12,
    batch_size=8,
    learning_rate=1e-2,
    reward_learning_rate=1e-2,
    reward_epochs=4,
    warmup_ratio=0.0,
    schedule="constant",
    logging_steps=1,
    save_steps=2,
)
UNREAD_DEFAULTS: dict[str, Any] = {"reward_learning_rate": 5e-5, "reward_epochs": 1.0}
OBSERVED = dataclasses.replace(QUICK, reward="observer", **UNREAD_DEFAULTS)
UNREAD: list[dict[str, Any]] = [
    {"reward_learning_rate": 1e-3},
    {"reward_epochs": 2.0},
    {"pairing": "adjacent"},
    {"min_gap": 1.0},
]


class Polite:
    """An observer that rates thanks as aligned, and longer answers as more engaged."""

    def act(self, turns: list[Turn]) -> list[Utterance]:
        return [
            Utterance(rating=None if turn.answer == "?" else self.rating(turn)) for turn in turns
        ]

    def rating(self, turn: Turn) -> float:
        if turn.aspect == "engagement":
            return min(1.0 + len(turn.answer.split()), turn.rating_scale)
        return 7.0 if "thank" in turn.answer else 1.0


class StopAt(TrainerCallback):
    """Interrupt training before a step of the phase with the given learning rate."""

    def __init__(self, step: int, learning_rate: float) -> None:
        self.step, self.learning_rate = step, learning_rate

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if (state.global_step, args.learning_rate) == (self.step, self.learning_rate):
            raise KeyboardInterrupt


def questions(count: int = 12) -> list[RatedGroup]:
    """Return groups with different questions."""
    words = WORDS.split()
    return [
        dataclasses.replace(group, prompt=(Message("user", " ".join(words[n : n + 4])),))
        for n, group in enumerate(rated_groups(count))
    ]


@pytest.fixture
def reinforce(tokenizer: Any, tmp_path: Path) -> Callable[..., Any]:
    """Return a function that trains the tiny model, and returns it and the summary."""

    def run(
        config: RlhfConfig = QUICK,
        folder: str = "run",
        groups: Any = None,
        callbacks: Any = (),
        **changes: Any,
    ) -> Any:
        model = tiny_llama(len(tokenizer))
        method = Rlhf(dataclasses.replace(config, **changes))
        groups = questions() if groups is None else groups
        to = tmp_path / folder
        return model, train(
            model, tokenizer, groups, method, to, callbacks, progress=False, observer=Polite()
        )

    return run


def job_for(model: Any, tokenizer: Any, folder: Path, config: RlhfConfig = QUICK) -> Job:
    return Job(
        model=model,
        tokenizer=tokenizer,
        examples=Rlhf(config).select(questions()).examples,
        arguments=lambda **own: training_arguments(config, folder / "checkpoints", False, **own),
        callbacks=[],
        folder=folder,
        observer=Polite(),
    )


def assert_same_weights(one: Any, two: Any) -> None:
    for (name, a), b in zip(one.named_parameters(), two.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0, msg=name)


@pytest.mark.parametrize("algorithm", ["grpo", "rloo"])
def test_the_reward_rises_and_metrics_are_recorded(
    reinforce: Any, tmp_path: Path, algorithm: Any
) -> None:
    critique = dataclasses.replace(questions()[1], kind="self_critic")
    _, summary = reinforce(groups=[*questions(), critique], algorithm=algorithm, max_steps=24)
    rewards = [row["reward"] for row in summary.log]
    assert sum(rewards[-6:]) / 6 > sum(rewards[:6]) / 6 + 1
    assert (summary.steps, summary.examples, summary.groups, summary.dropped_groups) == (
        *(24, 12, 12),
        1,
    )
    assert {"loss", "kl", "rewards/reward_model/mean", "completions/mean_length"} <= summary.log[
        -1
    ].keys()
    record = json.loads((tmp_path / "run/reward_model/log.json").read_text())
    losses = [r["reward_model/loss"] for r in record["rows"] if "reward_model/loss" in r]
    assert sum(losses[-5:]) < 0.5 * sum(losses[:5])
    assert summary.tokens > record["tokens"] > 0
    files = {path.name for path in (tmp_path / "run").rglob("*") if path.is_file()}
    exported = {path.name for path in (tmp_path / "run/reward_model").rglob("*.bin")}
    assert "model.safetensors" in files
    assert not exported
    assert not list((tmp_path / "run").glob("start_model*"))


def test_the_reward_model_prefers_answers_that_were_rated_higher(
    reinforce: Any, tokenizer: Any, tmp_path: Path
) -> None:
    reinforce(max_steps=1, reward_epochs=10)
    model = AutoModelForSequenceClassification.from_pretrained(tmp_path / "run/reward_model/model")
    reward = reward_by_model(model.eval(), tokenizer, 64, torch.device("cpu"), batch_size=2)
    said = ["i am fine thank you", "yes of course", "no", "never go away please", "go away"]
    given = reward([questions()[3].prompt] * 5, said, [True] * 5)
    assert given == sorted(given, reverse=True)
    # Padding to the longest of a batch changes nothing.
    alone = [reward([questions()[3].prompt], [text], [True])[0] for text in said]
    assert given == pytest.approx(alone, abs=1e-4)


@pytest.mark.parametrize("template", [True, False])
@pytest.mark.parametrize("algorithm", ["grpo", "rloo"])
def test_prompts_are_encoded_as_in_all_methods(
    model: Any, tokenizer: Any, tmp_path: Path, template: bool, algorithm: Any
) -> None:
    if not template:
        tokenizer.chat_template, kept = None, tokenizer.chat_template
    config = dataclasses.replace(OBSERVED, algorithm=algorithm, max_length=16, beta=0.0)
    job = job_for(model, tokenizer, tmp_path, config)
    trainer = Rlhf(config).make_trainer(job)
    try:
        numbers = [row["prompt"] for row in trainer.train_dataset]
        ids, _, _ = trainer._tokenize_prompts(numbers)
        wanted = [list(encode(tokenizer, group.prompt, "", 8).input_ids) for group in questions()]
        assert ids == wanted
        seen: list[Any] = []
        inner = trainer._compute_loss if algorithm == "grpo" else trainer.compute_loss
        name = inner.__name__

        def compute(model: Any, inputs: Any, *rest: Any, **more: Any) -> Any:
            seen.append(inputs)
            return inner(model, inputs, *rest, **more)

        setattr(trainer, name, compute)
        trainer.args.max_steps = 1
        trainer.train()
    finally:
        if not template:
            tokenizer.chat_template = kept
    for row, mask in zip(seen[0]["prompt_ids"], seen[0]["prompt_mask"], strict=True):
        assert row[mask.bool()].tolist() in wanted


def test_the_observer_rewards(reinforce: Any, tmp_path: Path) -> None:
    groups = [dataclasses.replace(g, candidates=(Candidate("no", None),)) for g in questions()]
    _, summary = reinforce(OBSERVED, groups=groups, max_steps=20)
    rewards = [row["reward"] for row in summary.log]
    assert sum(rewards[-5:]) > sum(rewards[:5])
    assert "rewards/observer/mean" in summary.log[0]
    assert not (tmp_path / "run/reward_model").exists()


def test_the_observers_ratings_are_weighted_and_may_be_missing() -> None:
    prompt = (Message("user", "how are you ?"),)
    said, ended = ["fine thank you", "no", "?"], [True] * 3
    reward = reward_by_observer(Polite(), 0.5, 7)
    assert reward([prompt] * 3, said, ended) == [(7 + 0.5 * 4) / 1.5, (1 + 0.5 * 2) / 1.5, None]
    assert reward_by_observer(Polite(), 0.0, 7)([prompt] * 3, said, ended) == [7.0, 1.0, None]


@pytest.mark.parametrize("phase", ["reward_learning_rate", "learning_rate"])
def test_an_interrupted_run_ends_with_the_weights_of_an_uninterrupted_one(
    reinforce: Any, phase: str
) -> None:
    rates = {"learning_rate": 5e-3, "reward_learning_rate": 1e-2}
    stop = StopAt(3, rates[phase])
    whole, summary = reinforce(folder="whole", max_steps=5, **rates)
    with pytest.raises(KeyboardInterrupt):
        reinforce(folder="cut", callbacks=[stop], max_steps=5, **rates)
    resumed, again = reinforce(folder="cut", max_steps=5, **rates)
    assert_same_weights(resumed, whole)
    assert again.tokens == summary.tokens
    assert [row["reward"] for row in again.log] == [row["reward"] for row in summary.log]


def test_a_run_resumed_in_its_second_epoch_asks_the_questions_of_that_epoch(reinforce: Any) -> None:
    whole, summary = reinforce(OBSERVED, folder="whole", max_steps=12)
    with pytest.raises(KeyboardInterrupt):
        reinforce(OBSERVED, folder="cut", callbacks=[StopAt(10, 1e-2)], max_steps=12)
    resumed, again = reinforce(OBSERVED, folder="cut", max_steps=12)
    assert again.log[-1]["epoch"] == 2
    assert_same_weights(resumed, whole)
    assert [row["reward"] for row in again.log] == [row["reward"] for row in summary.log]


def test_trained_weights_of_a_reward_model_are_in_float32(tokenizer: Any, tmp_path: Path) -> None:
    seen: dict[str, torch.dtype] = {}

    class Look(TrainerCallback):
        def on_step_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
            named = more["model"].named_parameters()
            seen.update({name: p.dtype for name, p in named if p.requires_grad})
            raise KeyboardInterrupt

    model = tiny_llama(len(tokenizer)).to(torch.bfloat16)
    config = dataclasses.replace(QUICK, lora=LoraConfig(rank=2), bf16=True)
    with pytest.raises(KeyboardInterrupt):
        train(model, tokenizer, questions(), Rlhf(config), tmp_path, [Look()], progress=False)
    assert "base_model.model.score.modules_to_save.default.weight" in seen
    assert set(seen.values()) == {torch.float32}


def test_adapters_alone_are_trained_and_merged(
    reinforce: Any, tokenizer: Any, tmp_path: Path
) -> None:
    start = tiny_llama(len(tokenizer))
    reinforce(lora=LoraConfig(rank=4, alpha=8), max_steps=4)
    folder = tmp_path / "run"
    assert (folder / "adapter/adapter_model.safetensors").exists()
    merged = AutoModelForCausalLM.from_pretrained(folder / "model")
    changed = {
        name
        for (name, a), b in zip(merged.named_parameters(), start.parameters(), strict=True)
        if not torch.equal(a, b)
    }
    assert changed
    assert all("proj" in name for name in changed)
    reward = AutoModelForSequenceClassification.from_pretrained(folder / "reward_model/model")
    assert torch.equal(reward.model.embed_tokens.weight, start.model.embed_tokens.weight)


def test_the_reference_is_the_model_before_training(
    model: Any, tokenizer: Any, tmp_path: Path
) -> None:
    """The reference model is not the one on disk that the configuration names."""
    tiny_llama(len(tokenizer)).save_pretrained(tmp_path / "other")
    model.config._name_or_path = str(tmp_path / "other")
    with torch.no_grad():
        model.lm_head.weight.add_(1.0)
    config = OBSERVED
    trainer = Rlhf(config).make_trainer(job_for(model, tokenizer, tmp_path, config))
    assert_same_weights(trainer.ref_model, model)
    assert model.config._name_or_path == str(tmp_path / "other")


def test_copies_of_the_start_model_that_a_killed_run_left_are_removed(
    model: Any, tokenizer: Any, tmp_path: Path
) -> None:
    (tmp_path / "start_model.x1").mkdir()
    Rlhf(OBSERVED).make_trainer(job_for(model, tokenizer, tmp_path, OBSERVED))
    assert not list(tmp_path.glob("start_model*"))


def test_benchmarks_are_not_run_on_the_reward_model(reinforce: Any) -> None:
    measured: list[Any] = []

    class Counted(BenchmarkCallback):
        def _measure(self, step: int, model: Any, tokenizer: Any) -> None:
            measured.append(type(model))

    reinforce(callbacks=[Counted([], 1, lambda step, figures: None)], max_steps=2)
    # Before the first step and after each.
    assert measured == [LlamaForCausalLM] * 3


def test_without_beta_there_is_no_reference_model(
    model: Any, tokenizer: Any, tmp_path: Path
) -> None:
    config = dataclasses.replace(OBSERVED, beta=0.0)
    assert Rlhf(config).make_trainer(job_for(model, tokenizer, tmp_path, config)).ref_model is None


def test_reward_model_and_reinforcement_share_the_tokens(reinforce: Any, tmp_path: Path) -> None:
    _, summary = reinforce(max_tokens=2000, max_steps=200, reward_epochs=50)
    record = json.loads((tmp_path / "run/reward_model/log.json").read_text())
    step = 8 * 20  # answers of a step, each with its prompt
    assert 1000 <= record["tokens"] < 1000 + 16 * 20
    assert 2000 <= summary.tokens < 2000 + step


@pytest.mark.parametrize("by_observer", [True, False])
def test_the_learning_rate_follows_the_tokens_and_not_the_steps_that_nobody_knows(
    reinforce: Any, by_observer: bool
) -> None:
    config = OBSERVED if by_observer else QUICK
    ends = {"max_tokens": 4000, "max_steps": -1, "epochs": 100, "warmup_ratio": 0.2}
    settings = {**ends, "schedule": "linear", "logging_steps": 1}
    _, summary = reinforce(config, **settings, folder="whole")
    rates = [row["learning_rate"] / config.learning_rate for row in summary.log]
    highest = rates.index(max(rates))
    assert max(rates) > 0.8
    assert rates == [*sorted(rates[: highest + 1]), *sorted(rates[highest + 1 :], reverse=True)]
    assert rates[-1] < 0.2
    callbacks = [StopAt(len(rates) // 2, config.learning_rate)]
    with pytest.raises(KeyboardInterrupt):
        reinforce(config, **settings, folder="cut", callbacks=callbacks)
    _, again = reinforce(config, **settings, folder="cut")
    assert [row["learning_rate"] for row in again.log] == [
        row["learning_rate"] for row in summary.log
    ]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"algorithm": "ppo"}, "method.algorithm: must be grpo or rloo, got 'ppo'"),
        ({"reward": "nobody"}, "method.reward: must be reward_model or observer"),
        *(
            ({"reward": "observer", **UNREAD_DEFAULTS, **own}, f"method.{name}: is only read with")
            for own in UNREAD
            for name in own
        ),
        ({"generations": 1}, "method.generations: must be at least 2"),
        ({"generations": 3}, "method.generations: must be a divisor of method.batch_size"),
        ({"beta": -1.0}, "method.beta: must be"),
        ({"max_new_tokens": 60}, "method.max_new_tokens: must be at most half"),
        ({"pairing": "random"}, "method.pairing: must be all, best_worst or adjacent"),
    ],
)
def test_a_wrong_setting_is_named(changes: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        dataclasses.replace(QUICK, **changes)


def test_data_that_cannot_be_used_is_an_error() -> None:
    critiques = [dataclasses.replace(g, kind="self_critic") for g in questions()]
    with pytest.raises(UserError, match="none of the 12 groups asks a question"):
        Rlhf(QUICK).select(critiques)
    alike = [questions()[6]]
    with pytest.raises(UserError, match=r"none of the 1 groups .* so no reward model"):
        Rlhf(QUICK).select(alike)
    with pytest.raises(UserError, match=r"ratings differ by method\.min_gap=9"):
        Rlhf(dataclasses.replace(QUICK, min_gap=9.0)).select(questions())


def test_few_questions_are_asked_again_within_a_step(reinforce: Any) -> None:
    _, summary = reinforce(groups=questions()[3:4], max_steps=2)
    assert (summary.steps, summary.groups) == (2, 1)


def test_a_model_without_a_classifier_is_an_error(tokenizer: Any, tmp_path: Path) -> None:
    config = MambaConfig(vocab_size=len(tokenizer), hidden_size=8, num_hidden_layers=1)
    with pytest.raises(UserError, match="no reward model of a mamba model"):
        Rlhf(QUICK).make_trainer(job_for(MambaForCausalLM(config), tokenizer, tmp_path))
