"""A reward model out of rated groups, and rewards for texts: TRL's RewardTrainer."""

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
from social_sandbox.envs.messages import Message
from social_sandbox.policies.huggingface.shared_model import best_dtype

from ..data.pairs import Pair
from ..runtime.processes import is_first
from ..runtime.stage import write_json
from ..training.arguments import training_arguments
from ..training.batching import pad, pad_token_id
from ..training.config import TrainingConfig
from ..training.encoding import encode
from ..training.method import Job
from ..training.train import export, run_trainer
from ..training.trl import dataset, import_trl, prompt_and_responses

Reward = Callable[[Sequence[Sequence[Message]], Sequence[str], Sequence[bool]], list[float | None]]
"""Rewards of (prompts, texts, whether each text came to its own end)."""


@dataclass(frozen=True, slots=True)
class RewardModel:
    """A trained reward model, and the tokens that its training read."""

    model: PreTrainedModel
    tokens: int


def train_reward_model(job: Job, pairs: Sequence[Pair], config: TrainingConfig) -> RewardModel:
    """A classifier with one output, begun from the job's model and trained on pairs.

    It is written to `job.folder`/reward_model/model; there it is found again by a run that goes
    on. Its rows of metrics are named `reward_model/...`; `log.json` beside the model has them.

    Raises UserError where no classifier can be made of the model.
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
    """The model's output for a prompt with its response, tokenised as in its training."""
    model = model.to(device)
    bf16 = best_dtype(device) is torch.bfloat16

    def reward(
        prompts: Sequence[Sequence[Message]], texts: Sequence[str], ended: Sequence[bool]
    ) -> list[float | None]:
        rows = [
            encode(tokenizer, prompt, text, max_length, ends=ends).input_ids
            for prompt, text, ends in zip(prompts, texts, ended, strict=True)
        ]
        given: list[float | None] = []
        for start in range(0, len(rows), batch_size):
            batch = rows[start : start + batch_size]
            ids = pad(batch, pad_token_id(tokenizer))
            mask = pad([[1] * len(row) for row in batch], 0)
            with torch.no_grad(), torch.autocast(device.type, torch.bfloat16, enabled=bf16):
                scores = model(input_ids=ids.to(device), attention_mask=mask.to(device)).logits
            given += scores[:, 0].float().tolist()
        return given

    return reward


def _reward_trainer(
    job: Job, pairs: Sequence[Pair], config: TrainingConfig, checkpoints: Path
) -> Any:
    trl = import_trl("rlhf")

    class Named(Trainer):  # type: ignore[misc]
        """Comes after TRL's own in the order of inheritance, and so sees whole rows."""

        def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
            named = {f"reward_model/{name}": value for name, value in logs.items()}
            super().log(named, start_time)

    class RewardTrainer(trl.RewardTrainer, Named):  # type: ignore[misc, name-defined]
        def _prepare_dataset(self, dataset: Any, *_: Any) -> Any:
            # It would tokenise, and leave out what is long.
            return dataset

    rows = []
    for pair in pairs:
        both = (pair.chosen, pair.rejected)
        prompt, answers = prompt_and_responses(
            job.tokenizer, pair.group.prompt, both, config.max_length
        )
        rows.append({"chosen_ids": prompt + answers[0], "rejected_ids": prompt + answers[1]})
    peft_config = job.peft_config
    if peft_config is not None:
        # The new output is trained whole, beside the adapters.
        peft_config = replace(peft_config, task_type="SEQ_CLS")
    # Further arguments that the user gives are for the online method, but for the schedule's.
    extra = {name: value for name, value in config.extra.items() if name == "lr_scheduler_kwargs"}
    args = training_arguments(
        replace(config, extra=extra), checkpoints, progress=False, kind=trl.RewardConfig
    )
    # What is trained is in float32, as in the run. What is not may stay as it is where autocast
    # sees to it that the two go together.
    dtype = job.model.dtype if peft_config is not None and args.bf16 else torch.float32
    return RewardTrainer(
        model=_classifier(job.model, config.seed, dtype),
        args=args,
        train_dataset=dataset(rows),
        processing_class=job.tokenizer,
        # A classifier gives no likelihoods of texts.
        callbacks=[c for c in job.callbacks if not getattr(c, "needs_likelihoods", False)],
        peft_config=peft_config,
    )


def _classifier(model: Any, seed: int, dtype: torch.dtype) -> Any:
    """A copy of a language model with one output, drawn by the seed, instead of its vocabulary.

    It is in `dtype`, its output in float32.
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
