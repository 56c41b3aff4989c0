"""Supervised fine-tuning on the best response to each prompt (TRL's SFTTrainer)."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.settings import settings_dataclass

from ..data.groups import Candidate, RatedGroup, demonstration
from ..data.storage.stored import made_of
from ..training.batches.encoding import Encoded, encode
from ..training.method import Job, Method, Selection
from ..training.trl import by_length, import_trl, language_modelling
from .offline import OfflineConfig, make_plan


@settings_dataclass("method")
class SftConfig(OfflineConfig):
    """Settings of supervised fine-tuning."""

    min_rating: float | None = None


@dataclass(frozen=True)
class Sft(Method):
    """Imitate the best-rated candidate, in pairs the chosen one; of equals the first."""

    config: SftConfig = field(default_factory=SftConfig)

    def check_installed(self) -> None:
        """Raise UserError if TRL or PEFT is needed and not installed."""
        super().check_installed()
        import_trl("sft")

    def select(self, groups: Sequence[RatedGroup]) -> Selection:
        """Return (group, best-rated candidate) of the groups that have an example to imitate."""
        minimum = self.config.min_rating

        def best_of(group: RatedGroup) -> list[tuple[RatedGroup, Candidate]]:
            best = demonstration(group)
            if best is None or (minimum is not None and (best.rating or 0.0) < minimum):
                return []
            return [(group, best)]

        examples, used = made_of(groups, best_of)
        if not examples:
            bound = "" if minimum is None else f" of at least method.min_rating={minimum:g}"
            raise UserError(
                f"groups: none of the {len(groups)} groups has a valid candidate with text and a "
                f"rating{bound}"
            )
        return Selection(examples, used)

    def make_trainer(self, job: Job) -> Any:
        """Return TRL's SFTTrainer; its loss is a mean over the response tokens of a whole step."""
        trl = import_trl("sft")
        plan = make_plan(self.config, job.examples, itemgetter(0))

        def rows(examples: Iterable[Any]) -> Iterator[Encoded]:
            for group, best in examples:
                yield encode(
                    job.tokenizer, group.prompt, best.text, self.config.max_length, ends=best.ends
                )

        return by_length(trl.SFTTrainer)(
            model=job.model,
            args=plan.arguments(job, kind=trl.SFTConfig, max_length=None),
            train_dataset=language_modelling(rows(plan.learnt), plan.order),
            eval_dataset=language_modelling(rows(plan.held_out)),
            processing_class=job.tokenizer,
            callbacks=[*plan.callbacks, *job.callbacks],
            peft_config=job.peft_config,
        )
