"""Reinforcement learning in the society: drafts and revisions, among peers and observers.

A row is one Back-Scatter of the model: draft, feedback of the peers, revision. A group is the same
society and question, played several times from the same seed; the advantage of a row is its reward
against the mean of its group (GRPO, Shao et al. 2024, arXiv 2402.03300). TRL's RLOO takes no
rollouts; `scale_rewards=none` gives its advantages, up to a constant factor.
"""

import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal

from pydantic import Field

from social_sandbox.envs.errors import UserError, first_words
from social_sandbox.envs.seeding import key
from social_sandbox.envs.settings import settings_dataclass
from social_sandbox.policies.learning.play import Start, check_rewards, play_groups
from social_sandbox.policies.learning.rewards import Role, find_reward
from social_sandbox.policies.learning.trajectory import Trajectory

from ..data.groups import RatedGroup
from ..training.config import TrainingConfig
from ..training.method import Job, Method, Selection, Society
from ..training.trl import dataset, import_trl
from .online_questions import (
    asking_groups,
    check_batches,
    distinct_by,
    numbered,
    remove_start_models,
    seeded,
    start_model_on_disk,
)


@settings_dataclass("method")
class SocietyGrpoConfig(TrainingConfig):
    """Settings of reinforcement learning in the society."""

    learning_rate: Annotated[float, Field(gt=0)] = 1e-5
    batch_size: Annotated[int, Field(ge=1)] = 8
    role: Role = "social"
    others: Literal["policy", "learner"] = "policy"
    rewards: Annotated[list[str], Field(min_length=1)] = field(default_factory=lambda: ["rise"])
    weights: list[float] | None = None
    credit: Literal["row", "utterance"] = "row"
    engagement_weight: Annotated[float, Field(ge=0)] = 1.0
    generations: Annotated[int, Field(ge=2)] = 8
    max_new_tokens: Annotated[int, Field(ge=1)] = 64
    temperature: Annotated[float, Field(gt=0)] = 1.0
    scale_rewards: Literal["group", "batch", "none"] = "group"
    beta: Annotated[float, Field(ge=0)] = 0.0
    """With 0, no copy of the start model is kept in memory."""

    def __post_init__(self) -> None:
        """Raise UserError where settings contradict each other."""
        check_batches(self.batch_size, self.accumulation, self.generations)
        if self.max_new_tokens > self.max_length // 4:
            raise UserError(
                "method.max_new_tokens: a row has two texts and their prompts: it must be at most "
                f"a quarter of method.max_length={self.max_length}, got {self.max_new_tokens}"
            )
        if len(set(self.rewards)) != len(self.rewards):
            raise UserError("method.rewards: each reward is named once; weights make one heavier")
        if self.weights is not None and len(self.weights) != len(self.rewards):
            raise UserError(
                f"method.weights: {len(self.rewards)} rewards need as many weights, "
                f"got {len(self.weights)}"
            )
        if self.role == "social":
            for name in self.rewards:
                find_reward(name, "method.rewards")

    @property
    def mix(self) -> dict[str, float]:
        """The weights of the rewards, by name."""
        weights = self.weights or [1.0] * len(self.rewards)
        return dict(zip(self.rewards, weights, strict=True))

    @property
    def asks_observers(self) -> bool:
        """Whether a reward needs the ratings of observers."""
        if self.role == "critic":
            return True
        return any(find_reward(name).asks_observer for name in self.rewards)


@dataclass(frozen=True)
class SocietyGrpo(Method):
    """Play Back-Scatters with the model, and reinforce what is better than the rest of a group."""

    config: SocietyGrpoConfig = field(default_factory=SocietyGrpoConfig)

    @property
    def plays_society(self) -> bool:
        """Whether the model is trained in a society: always."""
        return True

    def check_installed(self) -> None:
        """Raise UserError if TRL or PEFT is needed and not installed."""
        super().check_installed()
        import_trl("society_grpo")

    def check_society(self, society: Society) -> None:
        """Raise UserError if nobody in the society could ever reward the model."""
        check_rewards(self.config.mix, self.config.role, society.config, "method.rewards")

    def select(self, groups: Sequence[RatedGroup]) -> Selection:
        """Return the groups whose prompts are questions; raise UserError if there is none."""
        asking = asking_groups(groups)
        return Selection(asking, asking)

    def make_trainer(self, job: Job) -> Any:
        """Return TRL's GRPOTrainer, whose rollouts are Back-Scatters."""
        trl = import_trl("society_grpo")
        if job.society is None:
            raise UserError("method=society_grpo: train() needs the argument society")
        self.check_society(job.society)
        config = self.config
        args = job.arguments(
            kind=trl.GRPOConfig,
            beta=config.beta,
            num_generations=config.generations,
            max_completion_length=config.max_length,
            temperature=config.temperature,
            scale_rewards=config.scale_rewards,
            reward_weights=list(config.mix.values()),
            # TRL itself counts the generated tokens, with the prompt of each row.
            include_num_input_tokens_seen="no",
        )
        remove_start_models(job, args)
        asking = distinct_by(job.examples, lambda group: group.prompt[-1].content)
        questions = [group.prompt[-1].content for group in asking]
        numbers = numbered(len(questions), args, config.generations)
        rollouts = _Rollouts(config, job, job.society, questions)

        class SocietyTrainer(seeded(trl.GRPOTrainer)):  # type: ignore[misc]
            """TRL's trainer, in which an utterance may have an advantage of its own."""

            def _generate_and_score_completions(self, inputs: Any) -> Any:
                output = super()._generate_and_score_completions(inputs)
                if config.credit == "utterance":
                    output["advantages"] = _advantages(
                        self, rollouts.rows, output["completion_ids"].shape[1], config
                    )
                return output

        with start_model_on_disk(job, needed=config.beta > 0), warnings.catch_warnings():
            # That rollouts may change in a later version of TRL: the range of versions is pinned.
            warnings.filterwarnings("ignore", "You are using 'rollout_func'", UserWarning)
            return SocietyTrainer(
                model=job.model,
                reward_funcs=[_named(name) for name in config.rewards],
                args=args,
                train_dataset=dataset({"prompt": str(number)} for number in numbers),
                processing_class=job.tokenizer,
                callbacks=list(job.callbacks),
                peft_config=job.peft_config,
                rollout_func=rollouts,
            )


class _Rollouts:
    """The rollouts of TRL's trainer.

    Attributes:
        rows: The trajectories of the last step, in the order of the prompts.
    """

    def __init__(
        self, config: SocietyGrpoConfig, job: Job, society: Society, questions: Sequence[str]
    ) -> None:
        self.rows: list[Trajectory] = []
        self._config, self._job, self._questions = config, job, questions
        rules = society.config
        if not config.asks_observers:
            rules = replace(rules, n_observers=0)
        self._society = replace(society, config=rules)
        self._end = time.monotonic()

    def __call__(self, prompts: list[Any], trainer: Any) -> dict[str, Any]:
        """Return a row for each prompt, which is the number of a question.

        Raises:
            UserError: No row got a reward, or a policy fails.
        """
        start = time.monotonic()
        self.rows = self._play(prompts, trainer)
        rows = [_fitted(row, self._config.max_length) for row in self.rows]
        missing = [row.reward is None for row in rows]
        rewarded = trainer.accelerator.gather(_tensor([len(rows) - sum(missing)], trainer)).sum()
        if not rewarded:
            raise UserError(
                f"method.rewards: no answer of step {trainer.state.global_step + 1} got a reward"
                f"{_reason(self.rows)}"
            )
        read = sum(len(row.token_ids) - row.n_prompt - sum(row.mask) for row in rows)
        trainer.state.num_input_tokens_seen += int(
            trainer.accelerator.gather(_tensor([read], trainer)).sum()
        )
        end = time.monotonic()
        share = (end - start) / (end - self._end)
        self._end = end
        metrics = {
            "society/missing_rewards": sum(missing) / len(rows),
            "society/cut_off": _mean([span.cut_off for row in rows for span in row.spans]),
            "society/too_long": _mean(
                [len(row.token_ids) > self._config.max_length for row in self.rows]
            ),
            "society/share_generating": share,
        }
        for name, value in metrics.items():
            trainer._metrics["train"][name].append(value)
        return {
            "prompt_ids": [list(row.token_ids[: row.n_prompt]) for row in rows],
            "completion_ids": [list(row.token_ids[row.n_prompt :]) for row in rows],
            "logprobs": [list(row.logprobs[row.n_prompt :]) for row in rows],
            "env_mask": [list(row.mask[row.n_prompt :]) for row in rows],
            # A row without one of its rewards has none: it would be unlike those of its group.
            "society_rewards": [
                dict.fromkeys(row.rewards) if row.reward is None else dict(row.rewards)
                for row in rows
            ],
        }

    def _play(self, prompts: Sequence[Any], trainer: Any) -> list[Trajectory]:
        from social_sandbox.policies.huggingface.in_memory import InMemoryPolicy

        config, society = self._config, self._society
        speaker = InMemoryPolicy(
            trainer.accelerator.unwrap_model(trainer.model),
            self._job.tokenizer,
            temperature=config.temperature,
            max_new_tokens=config.max_new_tokens,
        )
        population = society.population
        if config.others == "learner":
            population = replace(population, social=speaker, players=())
        first = trainer.accelerator.process_index * len(prompts)
        places = [divmod(first + number, config.generations) for number in range(len(prompts))]
        step = trainer.state.global_step
        starts = {
            group: Start(key(config.seed, "society", step, group), self._questions[int(prompt)])
            for (group, _), prompt in zip(places, prompts, strict=True)
        }
        try:
            groups = play_groups(
                list(starts.values()),
                speaker,
                config.generations,
                others=population,
                config=society.config,
                rewards=config.mix,
                engagement_weight=config.engagement_weight,
                role=config.role,
                priors=society.priors,
                embedder=society.embedder,
            )
        except (UserError, MemoryError):
            raise
        except Exception as error:
            raise UserError(
                f"method=society_grpo: a policy of the society failed in step {step + 1}: "
                f"{type(error).__name__}: {first_words(error)}"
            ) from error
        by_group = dict(zip(starts, groups, strict=True))
        return [by_group[group][member] for group, member in places]


def _fitted(row: Trajectory, max_length: int) -> Trajectory:
    """Return a row of at most `max_length` tokens; one that was cut has no reward."""
    if len(row.token_ids) <= max_length:
        return row
    span = row.spans[0]
    kept = slice(max(0, span.end - max_length), span.end)
    return replace(
        row,
        token_ids=row.token_ids[kept],
        mask=row.mask[kept],
        logprobs=row.logprobs[kept],
        n_prompt=row.n_prompt - kept.start,
        spans=(
            replace(span, start=span.start - kept.start, end=span.end - kept.start, reward=None),
        ),
        reward=None,
    )


def _named(name: str) -> Any:
    """Return the function by which TRL gets one reward of each row."""

    def reward(society_rewards: Sequence[dict[str, float | None]], **_: Any) -> Any:
        return [rewards[name] for rewards in society_rewards]

    # TRL names the metrics of the reward after the function.
    reward.__name__ = name
    return reward


def _advantages(
    trainer: Any, rows: Sequence[Trajectory], width: int, config: SocietyGrpoConfig
) -> Any:
    """Return the advantages of tokens, (rows, width): of each utterance within its group."""
    import torch

    rows = [_fitted(row, config.max_length) for row in rows]
    longest = max(len(row.spans) for row in rows)
    rewards = torch.full((len(rows), longest), torch.nan)
    for number, row in enumerate(rows):
        for place, span in enumerate(row.spans):
            if span.reward is not None:
                rewards[number, place] = span.reward
    everywhere = trainer.accelerator.gather(rewards.to(trainer.accelerator.device))
    groups = everywhere.view(-1, config.generations, longest)
    centred = groups - groups.nanmean(1, keepdim=True)
    if config.scale_rewards != "none":
        spread = centred if config.scale_rewards == "group" else centred.view(1, -1, longest)
        centred = centred / (spread.square().nanmean(1, keepdim=True).sqrt() + 1e-4)
    centred = centred.nan_to_num(0.0).view(-1, longest)
    own = centred[trainer.accelerator.process_index * len(rows) :][: len(rows)]
    advantages = torch.zeros(len(rows), width, device=own.device)
    for number, row in enumerate(rows):
        for place, span in enumerate(row.spans):
            tokens = slice(span.start - row.n_prompt, span.end - row.n_prompt)
            advantages[number, tokens] = own[number, place]
    return advantages


def _reason(rows: Sequence[Trajectory]) -> str:
    """Return why ratings are missing, as far as somebody has said it."""
    for row in rows:
        for said in row.interaction.observations:
            if said.error:
                return f": {said.observer} ({said.policy}) says: {said.error}"
    return ": the observers gave no rating, or every row is longer than method.max_length"


def _mean(values: Sequence[bool]) -> float:
    return sum(values) / len(values)


def _tensor(values: Sequence[int], trainer: Any) -> Any:
    import torch

    return torch.tensor(values, device=trainer.accelerator.device)
