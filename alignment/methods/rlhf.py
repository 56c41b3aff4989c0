"""Reinforcement learning from ratings: a reward model, then an online method of TRL.

The paper's baseline is PPO (Ouyang et al. 2022, arXiv 2203.02155), which TRL no longer has. TRL
maintains GRPO (Shao et al. 2024, arXiv 2402.03300) and RLOO (Ahmadian et al. 2024, arXiv
2402.14740). Both sample several answers to a question and compare the reward of each with that of
the others, so neither needs a value model.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal

from pydantic import Field
from transformers import TrainerCallback

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.rules.combined import combined_rating
from social_sandbox.envs.settings import settings_dataclass
from social_sandbox.envs.text.messages import Message
from social_sandbox.policies.observer import rate
from social_sandbox.policies.policy import Policy

from ..data.groups import RatedGroup
from ..data.pairs import Pair, Pairing, make_pairs
from ..data.storage.stored import made_of
from ..training.batches.encoding import encode
from ..training.config import TrainingConfig, require_defaults
from ..training.method import Job, Method, Selection
from ..training.trl import dataset, import_trl
from .reinforcement.questions import (
    asking_groups,
    check_batches,
    distinct_by,
    numbered,
    remove_start_models,
    seeded,
    start_model_on_disk,
)
from .reinforcement.reward_model import Reward, reward_by_model, train_reward_model


@settings_dataclass("method")
class RlhfConfig(TrainingConfig):
    """Settings of reinforcement learning from ratings."""

    learning_rate: Annotated[float, Field(gt=0)] = 5e-6
    algorithm: Literal["grpo", "rloo"] = "grpo"
    reward: Literal["reward_model", "observer"] = "reward_model"
    engagement_weight: Annotated[float, Field(ge=0)] = 1.0
    generations: Annotated[int, Field(ge=2)] = 4
    max_new_tokens: Annotated[int, Field(ge=1)] = 64
    temperature: Annotated[float, Field(gt=0)] = 1.0
    beta: Annotated[float, Field(ge=0)] = 0.05
    """With 0, no copy of the start model is kept in memory."""
    reward_learning_rate: Annotated[float, Field(gt=0)] = 5e-5
    reward_epochs: Annotated[float, Field(gt=0)] = 1.0
    pairing: Pairing = "all"
    min_gap: Annotated[float, Field(ge=0)] = 0.0

    def __post_init__(self) -> None:
        """Raise UserError where settings contradict each other."""
        super().__post_init__()
        if self.reward == "observer":
            require_defaults(
                self,
                *("reward_epochs", "reward_learning_rate", "pairing", "min_gap"),
                unread_without="reward=reward_model",
            )
        check_batches(self.batch_size, self.accumulation, self.generations)
        if self.max_new_tokens > self.max_length // 2:
            raise UserError(
                "method.max_new_tokens: must be at most half of "
                f"method.max_length={self.max_length}, got {self.max_new_tokens}"
            )


@dataclass(frozen=True)
class Rlhf(Method):
    """Sample answers to the questions of the groups, and reinforce those with high rewards."""

    config: RlhfConfig = field(default_factory=RlhfConfig)

    @property
    def asks_observer(self) -> bool:
        """Whether training asks the observer for ratings."""
        return self.config.reward == "observer"

    def check_installed(self) -> None:
        """Raise UserError if TRL or PEFT is needed and not installed."""
        super().check_installed()
        import_trl("rlhf")

    def select(self, groups: Sequence[RatedGroup]) -> Selection:
        """Return the groups whose prompts are questions.

        Raises:
            UserError: No group asks a question, or no pair for the reward model can be made.
        """
        asking = asking_groups(groups)
        if not self.asks_observer and not any(map(self._pairs_of, asking)):
            raise UserError(
                f"groups: none of the {len(asking)} groups that ask a question has two candidates "
                "whose ratings differ"
                + (f" by method.min_gap={self.config.min_gap:g}" if self.config.min_gap else "")
                + ", so no reward model can be trained; method.reward=observer needs none"
            )
        return Selection(asking, asking)

    def make_trainer(self, job: Job) -> Any:
        """Train the reward model unless the folder has one, and return TRL's trainer."""
        trl = import_trl("rlhf")
        base, kind = {
            "grpo": (trl.GRPOTrainer, trl.GRPOConfig),
            "rloo": (trl.RLOOTrainer, trl.RLOOConfig),
        }[self.config.algorithm]
        args = job.arguments(
            kind=kind,
            beta=self.config.beta,
            num_generations=self.config.generations,
            max_completion_length=self.config.max_new_tokens,
            temperature=self.config.temperature,
            # TRL itself counts the generated tokens, with the prompt of each answer.
            include_num_input_tokens_seen="no",
        )
        # No process has made a new copy yet.
        remove_start_models(job, args)
        reward, reward_tokens = self._reward(job, args.device)
        questions = distinct_by(job.examples, lambda group: repr(group.prompt))
        numbers = numbered(len(questions), args, self.config.generations)
        longest = self.config.max_length - self.config.max_new_tokens

        def prompt_of(number: str) -> Sequence[Message]:
            return questions[int(number)].prompt

        class OnlineTrainer(seeded(base)):  # type: ignore[misc]
            """TRL's trainer, which gets the prompts of all methods."""

            tokens_before = reward_tokens

            def _tokenize_prompts(self, prompts: Sequence[str]) -> Any:
                # TRL would apply the chat template itself; prompts have to be those of all methods.
                ids = (
                    encode(job.tokenizer, prompt_of(number), "", longest).input_ids
                    for number in prompts
                )
                return list(map(list, ids)), None, {}

        def rewards(
            prompts: Sequence[str],
            completions: Sequence[str],
            completion_ids: Sequence[Sequence[int]],
            **_: Any,
        ) -> list[float | None]:
            messages = [prompt_of(number) for number in prompts]
            ended = [tokens[-1] == job.tokenizer.eos_token_id for tokens in completion_ids]
            return reward(messages, completions, ended)

        # TRL names the metrics of the reward after the function.
        rewards.__name__ = self.config.reward
        with start_model_on_disk(job, needed=self.config.beta > 0):
            return OnlineTrainer(
                model=job.model,
                reward_funcs=[rewards],
                args=args,
                train_dataset=dataset({"prompt": str(number)} for number in numbers),
                processing_class=job.tokenizer,
                callbacks=[_TokensOfRewardModel(reward_tokens), *job.callbacks],
                peft_config=job.peft_config,
            )

    def _reward(self, job: Job, device: Any) -> tuple[Reward, int]:
        """Return the reward of answers, and the number of tokens that training its model read."""
        if self.asks_observer:
            assert job.observer is not None
            weight = self.config.engagement_weight
            return reward_by_observer(job.observer, weight, job.rating_scale), 0
        limit = self.config.max_tokens
        config = replace(
            self.config,
            learning_rate=self.config.reward_learning_rate,
            epochs=self.config.reward_epochs,
            max_steps=-1,
            # The reward model gets half of the tokens, so that some are left to learn from it.
            max_tokens=None if limit is None else max(limit // 2, 1),
        )
        pairs, _ = made_of(job.examples, self._pairs_of)
        trained = train_reward_model(job, pairs, config)
        reward = reward_by_model(trained.model, job.tokenizer, self.config.max_length, device)
        return reward, trained.tokens

    def _pairs_of(self, group: RatedGroup) -> list[Pair]:
        return make_pairs([group], self.config.pairing, self.config.min_gap)


def reward_by_observer(observer: Policy, engagement_weight: float, rating_scale: int) -> Reward:
    """Return a reward: the observer's combined rating of an answer to the user's last message.

    The reward of an answer is None where the observer gives no rating of alignment.
    """

    def reward(
        prompts: Sequence[Sequence[Message]], texts: Sequence[str], ended: Sequence[bool]
    ) -> list[float | None]:
        questions = [prompt[-1].content for prompt in prompts]
        alignment = rate(observer, questions, texts, "alignment", rating_scale)
        engagement: list[float | None] = [None] * len(texts)
        if engagement_weight:
            engagement = rate(observer, questions, texts, "engagement", rating_scale)
        return [
            combined_rating(*ratings, engagement_weight)
            for ratings in zip(alignment, engagement, strict=True)
        ]

    return reward


class _TokensOfRewardModel(TrainerCallback):  # type: ignore[misc]
    """Add the tokens that the reward model's training read to the count of the run."""

    def __init__(self, tokens: int) -> None:
        self.tokens = tokens

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.global_step == 0:
            state.num_input_tokens_seen += self.tokens
