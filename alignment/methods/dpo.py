"""Direct preference optimisation (Rafailov et al. 2023, arXiv 2305.18290): TRL's DPOTrainer."""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Literal, get_args

from social_sandbox.envs.errors import UserError

from ..data.groups import RatedGroup
from ..data.pairs import PAIRINGS, Pair, Pairing, groups_of, make_pairs
from ..training.method import Job, Selection
from ..training.trl import by_length, dataset, import_trl, prompt_and_responses, reference
from .offline import DataMethod

# Those that compare the two responses of one pair.
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
class DpoConfig(DataMethod):
    """Pairs from rated groups, against the model that training starts from."""

    learning_rate: float = 1e-5
    beta: float = 0.1
    """Strength of the pull towards the start model."""
    loss_type: Loss = "sigmoid"
    """A loss of TRL's DPOTrainer; what some of them need besides can be set in `extra`."""
    pairing: Pairing = "all"
    min_gap: float = 0.0
    """Pairs whose ratings differ by less are left out; equals always are."""

    def __post_init__(self) -> None:
        """Raise UserError naming the setting that makes no sense."""
        super().__post_init__()
        self._require_above_zero("beta")
        self._require_not_negative("min_gap")
        self._require("pairing", self.pairing in PAIRINGS, " or ".join(PAIRINGS))
        self._require("loss_type", self.loss_type in LOSSES, " or ".join(LOSSES))

    def select(self, groups: Sequence[RatedGroup]) -> Selection:
        """Pairs."""
        import_trl("dpo")
        pairs = make_pairs(groups, self.pairing, self.min_gap)
        if not pairs:
            raise UserError(
                f"groups: none of the {len(groups)} groups has two candidates whose ratings differ"
                + (f" by method.min_gap={self.min_gap:g}" if self.min_gap else "")
            )
        return Selection(pairs, groups_of(pairs))

    def make_trainer(self, job: Job) -> Any:
        """TRL's Trainer on token ids."""
        trl = import_trl("dpo")

        class Trainer(trl.DPOTrainer):  # type: ignore[misc, name-defined]
            def _prepare_dataset(self, dataset: Any, *_: Any) -> Any:
                # It would tokenise, and knows no data that are token ids already.
                return dataset

        def row(pair: Pair) -> dict[str, Any]:
            both = (pair.chosen, pair.rejected)
            prompt, answers = prompt_and_responses(
                job.tokenizer, pair.group.prompt, both, self.max_length
            )
            return {"prompt_ids": prompt, "chosen_ids": answers[0], "rejected_ids": answers[1]}

        plan = self.plan(job.examples, attrgetter("group"))
        learnt = [row(pair) for pair in plan.learnt]
        return by_length(Trainer)(
            model=job.model,
            ref_model=reference(job),
            args=plan.arguments(
                job, kind=trl.DPOConfig, beta=self.beta, loss_type=[self.loss_type], max_length=None
            ),
            train_dataset=dataset([learnt[place] for place in plan.order]),
            eval_dataset=dataset([row(pair) for pair in plan.held_out]),
            processing_class=job.tokenizer,
            callbacks=[*plan.callbacks, *job.callbacks],
            peft_config=job.peft_config,
        )
