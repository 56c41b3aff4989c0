"""Direct preference optimisation (Rafailov et al. 2023, arXiv 2305.18290): TRL's DPOTrainer."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Annotated, Any, Literal

from pydantic import Field

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.settings import settings_dataclass

from ..data.groups import RatedGroup
from ..data.pairs import Pair, Pairing, make_pairs
from ..data.storage.stored import made_of
from ..training.method import Job, Method, Selection
from ..training.trl import by_length, dataset, import_trl, in_order, prompt_and_responses, reference
from .offline import OfflineConfig, make_plan

# The losses of DPOTrainer that compare the two responses of one pair.
Loss = Literal[
    "sigmoid",
    "sigmoid_norm",
    "hinge",
    "ipo",
    "robust",
    "exo_pair",
    "nca_pair",
    "bco_pair",
    "sppo_hard",
    "apo_zero",
    "apo_down",
    "discopop",
]


@settings_dataclass("method")
class DpoConfig(OfflineConfig):
    """Settings of direct preference optimisation."""

    learning_rate: Annotated[float, Field(gt=0)] = 1e-5
    beta: Annotated[float, Field(gt=0)] = 0.1
    loss_type: Loss = "sigmoid"
    pairing: Pairing = "all"
    min_gap: Annotated[float, Field(ge=0)] = 0.0


@dataclass(frozen=True)
class Dpo(Method):
    """Prefer the chosen response of each pair, relative to the model before training."""

    config: DpoConfig = field(default_factory=DpoConfig)

    def check_installed(self) -> None:
        """Raise UserError if TRL or PEFT is needed and not installed."""
        super().check_installed()
        import_trl("dpo")

    def select(self, groups: Sequence[RatedGroup]) -> Selection:
        """Return the pairs of candidates whose ratings differ."""

        def pairs_of(group: RatedGroup) -> list[Pair]:
            return make_pairs([group], self.config.pairing, self.config.min_gap)

        pairs, used = made_of(groups, pairs_of)
        if not pairs:
            raise UserError(
                f"groups: none of the {len(groups)} groups has two candidates whose ratings differ"
                + (f" by method.min_gap={self.config.min_gap:g}" if self.config.min_gap else "")
            )
        return Selection(pairs, used)

    def make_trainer(self, job: Job) -> Any:
        """Return TRL's DPOTrainer on token ids."""
        trl = import_trl("dpo")

        class Trainer(trl.DPOTrainer):  # type: ignore[misc, name-defined]
            def _prepare_dataset(self, dataset: Any, *_: Any) -> Any:
                # Skip TRL's tokenisation: rows already hold token ids.
                return dataset

        def row(pair: Pair) -> dict[str, Any]:
            both = (pair.chosen, pair.rejected)
            prompt, answers = prompt_and_responses(
                job.tokenizer, pair.group.prompt, both, self.config.max_length
            )
            return {"prompt_ids": prompt, "chosen_ids": answers[0], "rejected_ids": answers[1]}

        plan = make_plan(self.config, job.examples, attrgetter("group"))
        return by_length(Trainer)(
            model=job.model,
            ref_model=reference(job),
            args=plan.arguments(
                job,
                kind=trl.DPOConfig,
                beta=self.config.beta,
                loss_type=[self.config.loss_type],
                max_length=None,
            ),
            train_dataset=in_order(dataset(map(row, plan.learnt)), plan.order),
            eval_dataset=dataset(map(row, plan.held_out)),
            processing_class=job.tokenizer,
            callbacks=[*plan.callbacks, *job.callbacks],
            peft_config=job.peft_config,
        )
