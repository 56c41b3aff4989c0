"""Train a reward model on pairs with TRL's RewardTrainer, and reward texts with it."""

import copy
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForSequenceClassification, PreTrainedModel, Trainer, set_seed

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.text.messages import Message
from social_sandbox.policies.huggingface.shared_model import best_dtype

from ...data.pairs import Pair
from ...runtime.processes import is_first
from ...runtime.stage import write_json
from ...training.arguments import training_arguments
from ...training.batches.batching import pad, pad_token_id
from ...training.batches.encoding import encode
from ...training.config import TrainingConfig
from ...training.method import Job
from ...training.one_trainer import run_trainer
from ...training.trl import dataset, import_trl, prompt_and_responses
from ...training.weights.export import export

Reward = Callable[[Sequence[Sequence[Message]], Sequence[str], Sequence[bool]], list[float | None]]
"""Returns a reward for each text, from (prompts, texts, whether each text ends by itself)."""


@dataclass(frozen=True, slots=True)
class RewardModel:
    """A trained reward model, and the number of tokens that its training read."""

    model: PreTrainedModel
    tokens: int


def train_reward_model(job: Job, pairs: Sequence[Pair], config: TrainingConfig) -> RewardModel:
    """Return a classifier with one output that starts from the job's model and learns the pairs.

    The model is written to `job.folder`/reward_model/model, from which a resumed run reads it.
    Its metrics are named `reward_model/...` and are recorded in `log.json` beside the model.

    Raises:
        UserError: transformers has no classifier for this kind of model.
    """
    folder = job.folder / "reward_model"
    final, record = folder / "model", folder / "log.json"
    if not final.exists():
        trainer = _reward_trainer(job, pairs, config, folder / "checkpoints")
        state = run_trainer(trainer, config)
        write_json(record, {"tokens": state.num_input_tokens_seen, "rows": state.log_history})
        export(trainer, folder)
    if is_first():
        shutil.rmtree(folder / "checkpoints", ignore_errors=True)
    tokens = json.loads(record.read_text(encoding="utf-8"))["tokens"]
    model = AutoModelForSequenceClassification.from_pretrained(final, dtype="auto")
    return RewardModel(model.eval().requires_grad_(False), int(tokens))


def reward_by_model(
    model: Any, tokenizer: Any, max_length: int, device: torch.device, batch_size: int = 16
) -> Reward:
    """Return a reward: the model's output for a prompt with its response."""
    model = model.to(device)
    bf16 = best_dtype(device) is torch.bfloat16

    def reward(
        prompts: Sequence[Sequence[Message]], texts: Sequence[str], ended: Sequence[bool]
    ) -> list[float | None]:
        rows = [
            encode(tokenizer, prompt, text, max_length, ends=ends).input_ids
            for prompt, text, ends in zip(prompts, texts, ended, strict=True)
        ]
        rewards: list[float | None] = []
        for start in range(0, len(rows), batch_size):
            batch = rows[start : start + batch_size]
            ids = pad(batch, pad_token_id(tokenizer))
            mask = pad([[1] * len(row) for row in batch], 0)
            with torch.no_grad(), torch.autocast(device.type, torch.bfloat16, enabled=bf16):
                scores = model(input_ids=ids.to(device), attention_mask=mask.to(device)).logits
            rewards += scores[:, 0].float().tolist()
        return rewards

    return reward


def _reward_trainer(
    job: Job, pairs: Sequence[Pair], config: TrainingConfig, checkpoints: Path
) -> Any:
    trl = import_trl("rlhf")

    class PrefixedTrainer(Trainer):  # type: ignore[misc]
        """A trainer whose metrics are named `reward_model/...`.

        Its `log` runs after that of TRL's trainer, which adds its own metrics.
        """

        def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
            metrics = {f"reward_model/{name}": value for name, value in logs.items()}
            super().log(metrics, start_time)

    class RewardTrainer(trl.RewardTrainer, PrefixedTrainer):  # type: ignore[misc, name-defined]
        def _prepare_dataset(self, dataset: Any, *_: Any) -> Any:
            # TRL would tokenise the rows and drop long ones; these hold token ids already.
            return dataset

    def row(pair: Pair) -> dict[str, Any]:
        both = (pair.chosen, pair.rejected)
        prompt, answers = prompt_and_responses(
            job.tokenizer, pair.group.prompt, both, config.max_length
        )
        return {"chosen_ids": prompt + answers[0], "rejected_ids": prompt + answers[1]}

    peft_config = job.peft_config
    if peft_config is not None:
        # PEFT then trains the new output layer in full, beside the adapters.
        peft_config = replace(peft_config, task_type="SEQ_CLS")
    # The user's further arguments are for the online trainer, except those of the schedule.
    extra = {name: value for name, value in config.extra.items() if name == "lr_scheduler_kwargs"}
    args = training_arguments(
        replace(config, extra=extra), checkpoints, progress=False, kind=trl.RewardConfig
    )
    # Trained weights are in float32, as in the main run. Frozen weights keep their type where
    # autocast is on, because it converts between the two.
    dtype = job.model.dtype if peft_config is not None and args.bf16 else torch.float32
    return RewardTrainer(
        model=_classifier(job.model, config.seed, dtype),
        args=args,
        train_dataset=dataset(map(row, pairs)),
        processing_class=job.tokenizer,
        # A classifier gives no likelihoods, which these callbacks need.
        callbacks=[each for each in job.callbacks if not getattr(each, "needs_likelihoods", False)],
        peft_config=peft_config,
    )


def _classifier(model: Any, seed: int, dtype: torch.dtype) -> Any:
    """Return a copy of a language model whose head is one output, initialised by the seed.

    The copy is in `dtype`, and its output layer in float32.
    """
    config = copy.deepcopy(model.config)
    config.num_labels = 1
    set_seed(seed)
    try:
        classifier = AutoModelForSequenceClassification.from_config(config, dtype=dtype)
    except ValueError as error:
        raise UserError(
            f"base_model: transformers can make no reward model of a {config.model_type} model; "
            "use method.reward=observer"
        ) from error
    classifier.base_model.load_state_dict(model.base_model.state_dict())
    for module in classifier.children():
        if module is not classifier.base_model:
            module.float()
    return classifier
