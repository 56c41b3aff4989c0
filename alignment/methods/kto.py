"""Kahneman-Tversky optimisation (Ethayarajh et al. 2024, arXiv 2402.01306): TRL's KTOTrainer."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.seeding import generator

from ..data.groups import Candidate, RatedGroup, trainable
from ..training.method import Job, Selection
from ..training.trl import by_length, dataset, import_trl, prompt_and_responses, reference
from .offline import DataMethod

Rated = tuple[RatedGroup, Candidate]


@dataclass(frozen=True, kw_only=True)
class KtoConfig(DataMethod):
    """Candidates rated above a threshold are wanted, those below are not; no pairs are needed."""

    learning_rate: float = 1e-5
    beta: float = 0.1
    """Strength of the pull towards the start model."""
    threshold: float | None = None
    """Candidates rated exactly so are left out; null: the median of all ratings."""
    desirable_weight: float = 1.0
    undesirable_weight: float = 1.0

    def __post_init__(self) -> None:
        """Raise UserError naming the setting that makes no sense."""
        super().__post_init__()
        self._require_above_zero("beta", "desirable_weight", "undesirable_weight")
        # The other completions of a batch estimate how far the model is from its start.
        self._require("batch_size", self.batch_size >= 2, "at least 2")

    def select(self, groups: Sequence[RatedGroup]) -> Selection:
        """Candidates on either side of the threshold, in an order by the seed."""
        import_trl("kto")
        rated = [(g, c) for g in groups for c in g.candidates if trainable(c)]
        if not rated:
            raise UserError(
                f"groups: none of the {len(groups)} groups has a valid candidate with a rating "
                "and text"
            )
        threshold = self._threshold(rated)
        examples = [(g, c, c.rating > threshold) for g, c in rated if c.rating != threshold]  # type: ignore[operator]
        wanted = sum(above for _, _, above in examples)
        for count, side in ((wanted, "above"), (len(examples) - wanted, "below")):
            if not count:
                lowest, *_, highest = sorted(c.rating or 0.0 for _, c in [*rated, *rated])
                given = f"method.threshold={threshold:g}"
                what = f"the median, {threshold:g}" if self.threshold is None else given
                raise UserError(
                    f"groups: no candidate is rated {side} {what}; "
                    f"ratings lie on {lowest:g} to {highest:g}"
                )
        order = generator(self.seed, "kto").permutation(len(examples))
        used = {id(group): group for group, _, _ in examples}
        return Selection([examples[i] for i in order], list(used.values()))

    def make_trainer(self, job: Job) -> Any:
        """TRL's Trainer on token ids."""
        trl = import_trl("kto")

        class Trainer(trl.KTOTrainer):  # type: ignore[misc, name-defined]
            def _prepare_dataset(self, dataset: Any, *_: Any) -> Any:
                # It would tokenise, and knows no data that are token ids already.
                return dataset

        def rows(examples: Sequence[Any], order: Sequence[int]) -> list[dict[str, Any]]:
            each = []
            for group, candidate, wanted in examples:
                prompt, answers = prompt_and_responses(
                    job.tokenizer, group.prompt, [candidate], self.max_length
                )
                each.append({"prompt_ids": prompt, "completion_ids": answers[0], "label": wanted})
            names = [examples[place][0].id for place in order]
            others = [order[_mismatched(names, number)] for number in range(len(order))]
            return [
                {**each[place], "KL_completion_ids": each[other]["completion_ids"]}
                for place, other in zip(order, others, strict=True)
            ]

        plan = self.plan(job.examples, itemgetter(0))
        return by_length(Trainer)(
            model=job.model,
            ref_model=reference(job),
            args=plan.arguments(
                job,
                kind=trl.KTOConfig,
                beta=self.beta,
                desirable_weight=self.desirable_weight,
                undesirable_weight=self.undesirable_weight,
                # Own rows fit already; a prompt with another's completion may not.
                max_length=self.max_length,
            ),
            train_dataset=dataset(rows(plan.learnt, plan.order)),
            eval_dataset=dataset(rows(plan.held_out, range(len(plan.held_out)))),
            processing_class=job.tokenizer,
            callbacks=[*plan.callbacks, *job.callbacks],
            peft_config=job.peft_config,
        )

    def _threshold(self, rated: Sequence[Rated]) -> float:
        if self.threshold is not None:
            return self.threshold
        ratings = sorted(c.rating or 0.0 for _, c in rated)
        middle = len(ratings) / 2
        return (ratings[math.ceil(middle) - 1] + ratings[math.floor(middle)]) / 2


def _mismatched(names: Sequence[str], number: int) -> int:
    """The example before this one that answers another prompt; the one before, if all are alike."""
    for back in range(1, len(names)):
        if names[number - back] != names[number]:
            return (number - back) % len(names)
    return (number - 1) % len(names)
