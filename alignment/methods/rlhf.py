"""Reinforcement learning from feedback: generate answers to the questions, reward them, learn.

The paper's RLHF baseline used PPO. TRL has removed its PPO trainer, so this is GRPO (Shao et al.
2024, arXiv 2402.03300) or RLOO (Ahmadian et al. 2024, arXiv 2402.14740), which need no value model.
The reward is that of a model trained on the pairs of the data (TRL's RewardTrainer), or the ratings
of the observers' policy.
"""

import copy
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.questions import Question
from social_sandbox.envs.turns import ASPECTS
from social_sandbox.policies.chat_template import render_messages

from ..collate import pad_token_id
from ..evaluate import rate
from ..groups import RatedGroup
from ..method import Job, Method, Selection
from ..pairs import PAIRINGS, Pairing, make_pairs
from ..training import run_trainer, training_arguments
from ..trl_data import dataset, import_trl, prompt_and_responses

Algorithm = Literal["grpo", "rloo"]
Reward = Literal["reward_model", "observer"]
_NO_QUESTION = ("self_critic", "realignment")
"""Kinds of groups whose prompt asks for feedback or for a revision."""


@dataclass(frozen=True, kw_only=True)
class RlhfConfig(Method):
    """How to reward and to learn. `batch_size` counts answers; `max_tokens` those of the policy."""

    learning_rate: float = 1e-5
    algorithm: Algorithm = "grpo"
    reward: Reward = "reward_model"
    """`observer`: the mean rating by the observers' policy, on the data's scale."""
    generations: int = 4
    """Answers to one question, which are compared with each other."""
    max_new_tokens: int = 64
    temperature: float = 1.0
    beta: float = 0.05
    """Weight of the divergence from the start model."""
    pairing: Pairing = "all"
    """Of the pairs that the reward model learns from."""
    min_gap: float = 0.0
    reward_learning_rate: float = 2e-5
    reward_epochs: float = 1.0

    def __post_init__(self) -> None:
        """Raise UserError naming the setting that makes no sense."""
        super().__post_init__()
        self._require_above_zero("temperature", "reward_learning_rate", "reward_epochs")
        self._require_not_negative("beta", "min_gap")
        self._require_at_least_one("max_new_tokens")
        self._require("generations", self.generations >= 2, "at least 2")
        self._require("pairing", self.pairing in PAIRINGS, " or ".join(PAIRINGS))
        self._require("algorithm", self.algorithm in ("grpo", "rloo"), "grpo or rloo")
        rewards = ("reward_model", "observer")
        self._require("reward", self.reward in rewards, " or ".join(rewards))
        if self.batch_size * self.accumulation % self.generations:
            raise UserError(
                "method.batch_size * method.accumulation must be a multiple of "
                f"method.generations={self.generations}, got {self.batch_size * self.accumulation}"
            )

    @property
    def asks_observer(self) -> bool:
        """Whether the job needs an observer."""
        return self.reward == "observer"

    def select(self, groups: Sequence[RatedGroup]) -> Selection:
        """Groups whose prompt is a question; each prompt is asked once an epoch."""
        import_trl("rlhf")
        asked = [group for group in groups if group.kind not in _NO_QUESTION]
        if not asked:
            raise UserError(f"groups: none of the {len(groups)} groups asks a question")
        if not self.asks_observer and not make_pairs(asked, self.pairing, self.min_gap):
            raise UserError(
                "groups: no two candidates have ratings far enough apart for a reward model; "
                "method.reward=observer needs none"
            )
        return Selection(asked, asked)

    def make_trainer(self, job: Job) -> Any:
        """Train the reward model if there is none yet; then TRL's Trainer of the policy."""
        trl = import_trl("rlhf")
        reward = self._observer(job) if self.asks_observer else self._reward_model(job)
        prompts = {render_messages(job.tokenizer, _said(group)): group for group in job.examples}
        rows = [
            {"prompt": text, "question": group.prompt[-1].content}
            for text, group in prompts.items()
        ]
        base, kind = (
            (trl.GRPOTrainer, trl.GRPOConfig)
            if self.algorithm == "grpo"
            else (trl.RLOOTrainer, trl.RLOOConfig)
        )
        kept = self.max_length - self.max_new_tokens

        class Trainer(base):  # type: ignore[misc, valid-type]
            def _tokenize_prompts(self, prompts: list[str]) -> Any:
                # As collate.encode does: what is special is in the text already.
                return [_ids(job.tokenizer, text)[-kept:] for text in prompts], None, {}

        args = job.arguments(
            kind=kind,
            num_generations=self.generations,
            max_completion_length=self.max_new_tokens,
            temperature=self.temperature,
            beta=self.beta,
        )
        # What is no whole step TRL leaves out, silently, even if it is all there is.
        step = self.batch_size * self.accumulation * args.world_size // self.generations
        rows *= math.ceil(step / len(rows))
        return Trainer(
            model=job.model,
            reward_funcs=reward,
            args=args,
            train_dataset=dataset(rows),
            processing_class=job.tokenizer,
            callbacks=list(job.callbacks),
            peft_config=job.peft_config,
        )

    def _observer(self, job: Job) -> Any:
        assert job.observer is not None

        def observer(completions: list[str], question: list[str], **_: Any) -> list[float | None]:
            asked = [Question(text) for text in question]
            rated = [
                rate(job.observer, asked, completions, aspect, job.rating_scale)
                for aspect in ASPECTS
            ]
            return [_mean(ratings) for ratings in zip(*rated, strict=True)]

        return observer

    def _reward_model(self, job: Job) -> Any:
        from transformers import AutoModelForSequenceClassification

        folder = job.folder / "reward_model"
        if not (folder / "model").exists():
            self._train_reward_model(job, folder)
        model = AutoModelForSequenceClassification.from_pretrained(folder / "model").eval()
        filler = pad_token_id(job.tokenizer)

        def reward_model(
            prompts: list[str], completion_ids: list[list[int]], **_: Any
        ) -> list[float]:
            device = next(job.model.parameters()).device
            rows = [
                [*_ids(job.tokenizer, prompt), *ids]
                for prompt, ids in zip(prompts, completion_ids, strict=True)
            ]
            width = max(map(len, rows))
            ids = torch.tensor([[*row, *[filler] * (width - len(row))] for row in rows])
            mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows])
            with torch.no_grad():
                scores = model.to(device)(ids.to(device), attention_mask=mask.to(device)).logits
            return [float(score) for score in scores[:, 0]]

        return reward_model

    def _train_reward_model(self, job: Job, folder: Path) -> None:
        from transformers import AutoModelForSequenceClassification

        trl = import_trl("rlhf")
        rows = []
        for pair in make_pairs(job.examples, self.pairing, self.min_gap):
            both = (pair.chosen, pair.rejected)
            prompt, answers = prompt_and_responses(
                job.tokenizer, pair.group.prompt, both, self.max_length
            )
            rows.append({"chosen_ids": prompt + answers[0], "rejected_ids": prompt + answers[1]})
        config = replace(
            self,
            learning_rate=self.reward_learning_rate,
            epochs=self.reward_epochs,
            max_steps=-1,
            max_tokens=None,
            extra={},
        )
        settings = copy.deepcopy(job.model.config)
        settings.num_labels = 1
        model = AutoModelForSequenceClassification.from_config(settings, dtype=torch.float32)
        backbone = model.base_model_prefix
        getattr(model, backbone).load_state_dict(getattr(job.model, backbone).state_dict())
        peft_config = job.peft_config and replace(job.peft_config, task_type="SEQ_CLS")
        checkpoints = folder / "checkpoints"
        trainer = trl.RewardTrainer(
            model=model,
            args=training_arguments(
                config, checkpoints, False, kind=trl.RewardConfig, max_length=None
            ),
            train_dataset=dataset(rows),
            processing_class=job.tokenizer,
            peft_config=peft_config,
        )
        state = run_trainer(trainer, config)
        log = [row for row in state.log_history if "loss" in row]
        (folder / "log.json").write_text(json.dumps(log, indent=2) + "\n", encoding="utf-8")
        trained = trainer.model.merge_and_unload() if peft_config else trainer.model
        trained.save_pretrained(folder / "model.partial")
        (folder / "model.partial").rename(folder / "model")


def _said(group: RatedGroup) -> list[dict[str, str]]:
    return [{"role": message.role, "content": message.content} for message in group.prompt]


def _ids(tokenizer: Any, text: str) -> list[int]:
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])


def _mean(ratings: Sequence[float | None]) -> float | None:
    known = [rating for rating in ratings if rating is not None]
    return sum(known) / len(known) if known else None
