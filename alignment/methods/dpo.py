"""Direct preference optimisation (Rafailov et al. 2023, arXiv 2305.18290): TRL's DPOTrainer."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, Literal, get_args

from social_sandbox.envs.errors import UserError

from ..data.groups import RatedGroup
from ..data.pairs import PAIRINGS, Pair, Pairing, groups_of, make_pairs
from ..training.method import Job, Method, Selection
from ..training.trl import by_length, dataset, import_trl, prompt_and_responses, reference
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
LOSSES: tuple[Loss, ...] = get_args(Loss)


@dataclass(frozen=True, kw_only=True)
class DpoConfig(OfflineConfig):
    """Settings of direct preference optimisation."""

    learning_rate: float = 1e-5
    beta: float = 0.1
    """Strength of the pull towards the model before training."""
    loss_type: Loss = "sigmoid"
    """A loss of TRL's DPOTrainer; further arguments of some losses are set in `extra`."""
    pairing: Pairing = "all"
    """Which candidates of a group make pairs; see `make_pairs`."""
    min_gap: float = 0.0
    """Pairs whose ratings differ by less are left out, and pairs of equals always."""

    def __post_init__(self) -> None:
        """Raise UserError naming the setting that makes no sense."""
        super().__post_init__()
        self._require_above_zero("beta")
        self._require_not_negative("min_gap")
        self._require("pairing", self.pairing in PAIRINGS, " or ".join(PAIRINGS))
        self._require("loss_type", self.loss_type in LOSSES, " or ".join(LOSSES))


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
        pairs = make_pairs(groups, self.config.pairing, self.config.min_gap)
        if not pairs:
            raise UserError(
                f"groups: none of the {len(groups)} groups has two candidates whose ratings differ"
                + (f" by method.min_gap={self.config.min_gap:g}" if self.config.min_gap else "")
            )
        return Selection(pairs, groups_of(pairs))

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
        learnt = [row(pair) for pair in plan.learnt]
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
            train_dataset=dataset([learnt[place] for place in plan.order]),
            eval_dataset=dataset([row(pair) for pair in plan.held_out]),
            processing_class=job.tokenizer,
            callbacks=[*plan.callbacks, *job.callbacks],
            peft_config=job.peft_config,
        )
