"""Kahneman-Tversky optimisation (Ethayarajh et al. 2024, arXiv 2402.01306): TRL's KTOTrainer."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Annotated, Any

from pydantic import Field

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.seeding import generator
from social_sandbox.envs.settings import settings_dataclass

from ..data.groups import Candidate, RatedGroup, trainable
from ..training.method import Job, Method, Selection
from ..training.trl import by_length, dataset, import_trl, prompt_and_responses, reference
from .offline import OfflineConfig, make_plan

Rated = tuple[RatedGroup, Candidate]


@settings_dataclass("method")
class KtoConfig(OfflineConfig):
    """Settings of Kahneman-Tversky optimisation, which needs no pairs."""

    learning_rate: Annotated[float, Field(gt=0)] = 1e-5
    # TRL estimates the divergence from the start model on the other completions of a batch.
    batch_size: Annotated[int, Field(ge=2)] = 4
    beta: Annotated[float, Field(gt=0)] = 0.1
    threshold: float | None = None
    desirable_weight: Annotated[float, Field(gt=0)] = 1.0
    undesirable_weight: Annotated[float, Field(gt=0)] = 1.0


@dataclass(frozen=True)
class Kto(Method):
    """Make candidates above a rating threshold likelier and those below less likely."""

    config: KtoConfig = field(default_factory=KtoConfig)

    def check_installed(self) -> None:
        """Raise UserError if TRL or PEFT is needed and not installed."""
        super().check_installed()
        import_trl("kto")

    def select(self, groups: Sequence[RatedGroup]) -> Selection:
        """Return (group, candidate, whether above the threshold), shuffled by the seed."""
        rated = [(g, c) for g in groups for c in g.candidates if trainable(c)]
        if not rated:
            raise UserError(
                f"groups: none of the {len(groups)} groups has a valid candidate with a rating "
                "and text"
            )
        threshold = self._threshold(rated)
        examples = [(g, c, c.rating > threshold) for g, c in rated if c.rating != threshold]  # type: ignore[operator]
        desirable = sum(above for _, _, above in examples)
        for count, side in ((desirable, "above"), (len(examples) - desirable, "below")):
            if not count:
                lowest, *_, highest = sorted(c.rating or 0.0 for _, c in [*rated, *rated])
                setting = f"method.threshold={threshold:g}"
                median = f"the median, {threshold:g}"
                limit = median if self.config.threshold is None else setting
                raise UserError(
                    f"groups: no candidate is rated {side} {limit}; "
                    f"ratings lie on {lowest:g} to {highest:g}"
                )
        order = generator(self.config.seed, "kto").permutation(len(examples))
        used = {id(group): group for group, _, _ in examples}
        return Selection([examples[i] for i in order], list(used.values()))

    def make_trainer(self, job: Job) -> Any:
        """Return TRL's KTOTrainer on token ids."""
        trl = import_trl("kto")

        class Trainer(trl.KTOTrainer):  # type: ignore[misc, name-defined]
            def _prepare_dataset(self, dataset: Any, *_: Any) -> Any:
                # Skip TRL's tokenisation: rows already hold token ids.
                return dataset

        def rows(examples: Sequence[Any], order: Sequence[int]) -> list[dict[str, Any]]:
            each = []
            for group, candidate, above in examples:
                prompt, answers = prompt_and_responses(
                    job.tokenizer, group.prompt, [candidate], self.config.max_length
                )
                each.append({"prompt_ids": prompt, "completion_ids": answers[0], "label": above})
            names = [examples[place][0].id for place in order]
            others = [order[_mismatched(names, number)] for number in range(len(order))]
            return [
                {**each[place], "KL_completion_ids": each[other]["completion_ids"]}
                for place, other in zip(order, others, strict=True)
            ]

        plan = make_plan(self.config, job.examples, itemgetter(0))
        return by_length(Trainer)(
            model=job.model,
            ref_model=reference(job),
            args=plan.arguments(
                job,
                kind=trl.KTOConfig,
                beta=self.config.beta,
                desirable_weight=self.config.desirable_weight,
                undesirable_weight=self.config.undesirable_weight,
                # A prompt may be too long for the completion of another prompt.
                max_length=self.config.max_length,
            ),
            train_dataset=dataset(rows(plan.learnt, plan.order)),
            eval_dataset=dataset(rows(plan.held_out, range(len(plan.held_out)))),
            processing_class=job.tokenizer,
            callbacks=[*plan.callbacks, *job.callbacks],
            peft_config=job.peft_config,
        )

    def _threshold(self, rated: Sequence[Rated]) -> float:
        if self.config.threshold is not None:
            return self.config.threshold
        ratings = sorted(c.rating or 0.0 for _, c in rated)
        middle = len(ratings) / 2
        return (ratings[math.ceil(middle) - 1] + ratings[math.floor(middle)]) / 2


def _mismatched(names: Sequence[str], number: int) -> int:
    """Return the index of the nearest earlier example with another prompt, wrapping around.

    If all examples have the same prompt, return the index before this one.
    """
    for back in range(1, len(names)):
        if names[number - back] != names[number]:
            return (number - back) % len(names)
    return (number - 1) % len(names)
