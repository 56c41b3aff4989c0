"""The rollouts of society_grpo: rows of tokens for TRL, and the advantages of utterances."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from social_sandbox.envs.errors import UserError, first_words
from social_sandbox.envs.rules.seeding import key
from social_sandbox.policies.learning.play import Start, play_groups
from social_sandbox.policies.learning.trajectory import Trajectory

from ...training.method import Job, Society
from .config import SocietyGrpoConfig
from .lessons import Lesson, lessons_of, seated


class Rollouts:
    """The rollouts of TRL's trainer.

    Attributes:
        rows: The trajectories of the last step, in the order of the prompts.
    """

    def __init__(
        self, config: SocietyGrpoConfig, job: Job, society: Society, questions: Sequence[str]
    ) -> None:
        """Take the settings, the job, the society around the model and the questions."""
        self.rows: list[Trajectory] = []
        self._config, self._job, self._questions = config, job, questions
        self._lessons = lessons_of(config.roles, config.role)
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
        lesson = self.lesson(trainer)
        self.rows = self._play(prompts, trainer, lesson)
        rows = [fitted(row, self._config.max_length) for row in self.rows]
        missing = [row.reward is None for row in rows]
        end = time.monotonic()
        share = (end - start) / (end - self._end)
        self._end = end
        measured: dict[str, Sequence[float]] = {
            "society/missing_rewards": missing,
            "society/cut_off": [span.cut_off for row in rows for span in row.spans],
            "society/too_long": [len(row.token_ids) > self._config.max_length for row in self.rows],
            "society/share_generating": [share],
        }
        if lesson.name:
            measured[f"roles/{lesson.name}/reward"] = [
                row.reward for row in rows if row.reward is not None
            ]
        read = [len(row.token_ids) - row.n_prompt - sum(row.mask) for row in rows]
        *totals, (tokens, _) = _totals(trainer, [*measured.values(), read])
        means = _means(measured, totals)
        if means["society/missing_rewards"] == 1:
            of_role = f" of the role {lesson.name}" if lesson.name else ""
            raise UserError(
                f"method.rewards: no answer of step {trainer.state.global_step + 1}{of_role} got a "
                f"reward{_reason(self.rows)}"
            )
        trainer.state.num_input_tokens_seen += int(tokens)
        for name, mean in means.items():
            trainer._metrics["train"][name].append(mean)
        return {
            "prompt_ids": [list(row.token_ids[: row.n_prompt]) for row in rows],
            "completion_ids": [list(row.token_ids[row.n_prompt :]) for row in rows],
            "logprobs": [list(row.logprobs[row.n_prompt :]) for row in rows],
            "env_mask": [list(row.mask[row.n_prompt :]) for row in rows],
            # A row without one of its rewards has none: it would be unlike those of its group.
            "society_rewards": [
                {
                    name: None if row.reward is None else row.rewards.get(name)
                    for name in self._config.mix
                }
                for row in rows
            ],
        }

    def measure(self, trainer: Any, questions: Sequence[str]) -> dict[str, float]:
        """Play one Back-Scatter of each question, each time from the same start.

        With `roles` the learner is the first of them.

        Returns:
            The mean reward, each of its parts, and the share of texts that were cut off.
        """
        config, lesson = self._config, self._lessons[0]
        processes = trainer.accelerator
        own = questions[processes.process_index :: processes.num_processes]
        starts = [Start(key(config.seed, "held_out", question), question) for question in own]
        rows = [row for (row,) in self._groups(starts, 1, trainer, lesson)] if starts else []
        measured: dict[str, Sequence[float]] = {
            "held_out/reward": [row.reward for row in rows if row.reward is not None],
            "held_out/cut_off": [span.cut_off for row in rows for span in row.spans],
        }
        for name in config.rewards_of(lesson.role):
            given = [row.rewards[name] for row in rows]
            measured[f"held_out/rewards/{name}"] = [each for each in given if each is not None]
        return _means(measured, _totals(trainer, [*measured.values()]))

    def lesson(self, trainer: Any) -> Lesson:
        """Return what is trained next: the roles take turns, a generation of rows each."""
        args = trainer.args
        of_step = args.gradient_accumulation_steps
        every = max(of_step, args.steps_per_generation * args.num_iterations)
        number: int = trainer.state.global_step * of_step // every
        return self._lessons[number % len(self._lessons)]

    def _play(self, prompts: Sequence[Any], trainer: Any, lesson: Lesson) -> list[Trajectory]:
        config, step = self._config, trainer.state.global_step
        first = trainer.accelerator.process_index * len(prompts)
        places = [divmod(first + number, config.generations) for number in range(len(prompts))]
        starts = {
            group: Start(key(config.seed, "society", step, group), self._questions[int(prompt)])
            for (group, _), prompt in zip(places, prompts, strict=True)
        }
        groups = self._groups([*starts.values()], config.generations, trainer, lesson)
        by_group = dict(zip(starts, groups, strict=True))
        return [by_group[group][member] for group, member in places]

    def _groups(
        self, starts: Sequence[Start], n: int, trainer: Any, lesson: Lesson
    ) -> list[list[Trajectory]]:
        """Play `n` Back-Scatters from each start, with the weights of this step.

        Raises:
            UserError: A policy fails.
        """
        from social_sandbox.policies.huggingface.in_memory import InMemoryPolicy

        config, society = self._config, self._society
        speaker: Any = InMemoryPolicy(
            trainer.accelerator.unwrap_model(trainer.model),
            self._job.tokenizer,
            temperature=config.temperature,
            max_new_tokens=config.max_new_tokens,
        )
        population = society.population
        if config.roles is not None:
            speakers = {name: speaker.with_adapter(name) for name in config.adapters}
            speaker = speakers[lesson.adapter or ""]
            if config.others == "learner":
                population = seated(population, config.roles, speakers)
        elif config.others == "learner":
            population = replace(population, social=speaker, players=())
        try:
            return play_groups(
                starts,
                speaker,
                n,
                others=population,
                config=society.config,
                rewards=config.rewards_of(lesson.role),
                engagement_weight=config.engagement_weight,
                role=lesson.role,
                agents=lesson.agents,
                phases=lesson.phases,
                priors=society.priors,
                embedder=society.embedder,
            )
        except (UserError, MemoryError):
            raise
        except Exception as error:
            raise UserError(
                "method=society_grpo: a policy of the society failed in step "
                f"{trainer.state.global_step + 1}: {type(error).__name__}: {first_words(error)}"
            ) from error


def fitted(row: Trajectory, max_length: int) -> Trajectory:
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


def advantages_of(
    trainer: Any, rows: Sequence[Trajectory], width: int, config: SocietyGrpoConfig
) -> Any:
    """Return the advantages of tokens, (rows, width): of each utterance within its group."""
    import torch

    rows = [fitted(row, config.max_length) for row in rows]
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


def _totals(trainer: Any, values: Sequence[Sequence[float]]) -> list[tuple[float, float]]:
    """Return the sum and the number of each of several lists, over all processes."""
    import torch

    own = torch.tensor(
        [[[sum(each), len(each)] for each in values]],
        dtype=torch.float64,
        device=trainer.accelerator.device,
    )
    return [(total, count) for total, count in trainer.accelerator.gather(own).sum(0).tolist()]


def _means(names: Iterable[str], totals: Iterable[tuple[float, float]]) -> dict[str, float]:
    """Return the means by name; of nothing, as where observers are silent, there is none."""
    return {name: total / n for name, (total, n) in zip(names, totals, strict=True) if n}
