"""Reinforcement learning in the society: drafts and revisions, among peers and observers.

A row is one Back-Scatter of the model: draft, feedback of the peers, revision. A group is the same
society and question, played several times from the same seed; the advantage of a row is its reward
against the mean of its group (GRPO, Shao et al. 2024, arXiv 2402.03300). TRL's RLOO takes no
rollouts; `scale_rewards=none` gives its advantages, up to a constant factor.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from social_sandbox.envs.errors import UserError
from social_sandbox.policies.huggingface.in_memory import speaking
from social_sandbox.policies.learning.play import check_rewards
from social_sandbox.policies.learning.rewards import CRITIC_REWARDS, ENDED

from ..data.groups import RatedGroup
from ..training.method import Job, Method, Selection, Society
from ..training.roles.adapters import activate, add_adapters, keep_trainable
from ..training.roles.config import check_roles
from ..training.trl import dataset, import_trl
from ..training.weights.checkpoints import last_checkpoint
from .offline import split_held_out
from .reinforcement.config import SocietyGrpoConfig as SocietyGrpoConfig
from .reinforcement.lessons import lessons_of
from .reinforcement.questions import (
    asking_groups,
    distinct_by,
    numbered,
    remove_start_models,
    seeded,
    start_model_on_disk,
)
from .reinforcement.rollouts import Rollouts, advantages_of


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

    @property
    def trains_roles(self) -> bool:
        """Whether one trainer trains all of `method.roles`: always."""
        return True

    def check_society(self, society: Society) -> None:
        """Raise UserError if nobody could ever reward the model, or if a role is of nobody."""
        config = self.config
        if config.roles is not None:
            check_roles(config.roles, society.config)
        for lesson in lessons_of(config.roles, config.role):
            rewards = config.rewards_of(lesson.role)
            # That texts end is for every role, and seldom all that one is to learn.
            if not set(rewards) - {ENDED} and set(config.rewards) != {ENDED}:
                raise UserError(
                    f"method.rewards: none of {', '.join(config.rewards)} is for the role "
                    f"{lesson.name}, which needs one of {', '.join(CRITIC_REWARDS)}"
                    if lesson.role == "critic"
                    else f"method.rewards: none of {', '.join(config.rewards)} is for the role "
                    f"{lesson.name}, which needs rise, revision, draft or norm:NAME"
                )
            check_rewards(rewards, lesson.role, society.config, "method.rewards")

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
        asking = distinct_by(job.examples, _question)
        parts = split_held_out(asking, lambda group: group, config.held_out, config.seed)
        learnt, held_out = ([*map(_question, part)] for part in parts)
        rollouts = Rollouts(config, job, job.society, learnt)
        numbers = numbered(len(learnt), args, config.generations)
        if held_out:
            args.eval_strategy, args.eval_steps = "steps", config.held_out_steps
            # A run that goes on has measured its start already.
            args.eval_on_start = last_checkpoint(Path(args.output_dir)) is None

        class SocietyTrainer(seeded(trl.GRPOTrainer)):  # type: ignore[misc]
            """TRL's trainer, in which an utterance may have an advantage of its own."""

            def _generate_and_score_completions(self, inputs: Any) -> Any:
                adapter = rollouts.lesson(self).adapter
                if adapter is not None:
                    activate(self.accelerator.unwrap_model(self.model), adapter)
                output = super()._generate_and_score_completions(inputs)
                if config.credit == "utterance":
                    output["advantages"] = advantages_of(
                        self, rollouts.rows, output["completion_ids"].shape[1], config
                    )
                return output

            def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
                """Play the held-out questions, and log the rewards."""
                metrics = rollouts.measure(self, held_out)
                # In training TRL would log what it has gathered of the next step beside them.
                with speaking(self.model):
                    self.log(dict(metrics))
                self.control: Any = self.callback_handler.on_evaluate(
                    self.args, self.state, self.control, metrics
                )
                return metrics

            def create_optimizer(self, *arguments: Any) -> Any:
                if config.roles is not None:
                    # A checkpoint that was loaded has frozen all adapters but one.
                    keep_trainable(self.accelerator.unwrap_model(self.model))
                return super().create_optimizer(*arguments)

        with start_model_on_disk(job, needed=config.beta > 0), warnings.catch_warnings():
            # That rollouts may change in a later version of TRL: the range of versions is pinned.
            warnings.filterwarnings("ignore", "You are using 'rollout_func'", UserWarning)
            trainer = SocietyTrainer(
                model=job.model,
                reward_funcs=[_named(name) for name in config.rewards],
                args=args,
                train_dataset=dataset({"prompt": str(number)} for number in numbers),
                # TRL only looks whether there is one: `evaluate` has the questions.
                eval_dataset=dataset([{"prompt": "0"}]) if held_out else None,
                processing_class=job.tokenizer,
                callbacks=list(job.callbacks),
                peft_config=job.peft_config,
                rollout_func=rollouts,
            )
        if config.roles is not None:
            add_adapters(trainer.model, config.adapters)
        return trainer


def _question(group: RatedGroup) -> str:
    return group.prompt[-1].content


def _named(name: str) -> Any:
    """Return the function by which TRL gets one reward of each row."""

    def reward(society_rewards: Sequence[dict[str, float | None]], **_: Any) -> Any:
        return [rewards[name] for rewards in society_rewards]

    # TRL names the metrics of the reward after the function.
    reward.__name__ = name
    return reward
