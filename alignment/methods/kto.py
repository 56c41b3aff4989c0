"""Kahneman-Tversky optimisation (Ethayarajh et al. 2024, arXiv 2402.01306): TRL's KTOTrainer."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.rules.seeding import generator, key
from social_sandbox.envs.settings import settings_dataclass

from ..data.groups import Candidate, RatedGroup, trainable
from ..data.storage.stored import Part, made_of
from ..training.method import Job, Method, Selection
from ..training.trl import by_length, dataset, import_trl, prompt_and_responses, reference
from .offline import OfflineConfig, make_plan

Rated = tuple[RatedGroup, Candidate, bool]
"""A candidate with its group, and whether its rating is above the threshold."""


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
        ratings = np.fromiter(
            (c.rating for group in groups for c in group.candidates if trainable(c)),
            dtype=np.float64,
        )
        if not len(ratings):
            raise UserError(
                f"groups: none of the {len(groups)} groups has a valid candidate with a rating "
                "and text"
            )
        threshold = self._threshold(ratings)
        for count, side in (
            ((ratings > threshold).sum(), "above"),
            ((ratings < threshold).sum(), "below"),
        ):
            if not count:
                raise UserError(
                    f"groups: no candidate is rated {side} method.threshold={threshold:g}; "
                    f"ratings lie on {ratings.min():g} to {ratings.max():g}"
                )

        def sides(group: RatedGroup) -> list[Rated]:
            rated = ((c, c.rating) for c in group.candidates if trainable(c))
            return [(group, c, r > threshold) for c, r in rated if r is not None and r != threshold]

        examples, used = made_of(groups, sides)
        order = generator(self.config.seed, "kto").permutation(len(examples))
        if isinstance(examples, list):
            return Selection([examples[place] for place in order], used)
        return Selection(Part(examples, order), used)

    def make_trainer(self, job: Job) -> Any:
        """Return TRL's KTOTrainer on token ids."""
        trl = import_trl("kto")

        class Trainer(trl.KTOTrainer):  # type: ignore[misc, name-defined]
            def _prepare_dataset(self, dataset: Any, *_: Any) -> Any:
                # Skip TRL's tokenisation: rows already hold token ids.
                return dataset

        def row(example: Rated) -> dict[str, Any]:
            group, candidate, above = example
            prompt, answers = prompt_and_responses(
                job.tokenizer, group.prompt, [candidate], self.config.max_length
            )
            return {"prompt_ids": prompt, "completion_ids": answers[0], "label": above}

        def rows(examples: Sequence[Rated], order: Sequence[int]) -> Iterator[dict[str, Any]]:
            each = dataset(map(row, examples))
            names = np.fromiter((key(group.id) for group, _, _ in examples), dtype=np.int64)
            ordered = names[np.asarray(order, dtype=np.int64)]
            for number, place in enumerate(order):
                other = order[_mismatched(ordered, number)]
                yield {**each[place], "KL_completion_ids": each[other]["completion_ids"]}

        plan = make_plan(self.config, job.examples, itemgetter(0))
        held_out = range(len(plan.held_out))
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
            eval_dataset=dataset(rows(plan.held_out, held_out)),
            processing_class=job.tokenizer,
            callbacks=[*plan.callbacks, *job.callbacks],
            peft_config=job.peft_config,
        )

    def _threshold(self, ratings: npt.NDArray[np.float64]) -> float:
        """Return the threshold of the settings, or one with ratings on both of its sides.

        The median is none where half of the candidates have the lowest or the highest rating.
        """
        if self.config.threshold is not None:
            return self.config.threshold
        levels = np.unique(ratings)
        if len(levels) == 1:
            raise UserError(
                f"groups: all candidates are rated {levels[0]:g}; kto needs ratings that differ"
            )
        between = (levels[:-1] + levels[1:]) / 2
        median = float(np.median(ratings))
        return (
            median if levels[0] < median < levels[-1] else float(np.clip(median, *between[[0, -1]]))
        )


def _mismatched(names: npt.NDArray[np.int64], number: int) -> int:
    """Return the index of the nearest earlier example with another prompt, wrapping around.

    If all examples have the same prompt, return the index before this one.
    """
    for back in range(1, len(names)):
        if names[number - back] != names[number]:
            return (number - back) % len(names)
    return (number - 1) % len(names)
