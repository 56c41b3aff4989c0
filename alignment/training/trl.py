"""What the methods that stand on TRL share: tokenised data, and TRL itself.

TRL would render and tokenise for itself. It is given token ids instead, so that the tokens that
carry loss are decided in one place, `collate.encode`.
"""

import copy
from collections.abc import Mapping, Sequence
from functools import cache, cached_property
from typing import Any

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.messages import Message

from ..data.groups import Candidate
from .encoding import IGNORED, Encoded, encode
from .method import Job
from .samplers import ByLength, EpochSampler, TellEpoch


def import_trl(method: str) -> Any:
    """TRL, which tells nobody that it is used. Raises UserError where it is not installed."""
    try:
        import trl
    except ImportError as error:
        raise UserError(f"method={method} needs: pip install 'social-sandbox[align]'") from error
    from huggingface_hub import constants

    # The variable of the environment is read once, perhaps before anybody could set it.
    constants.HF_HUB_DISABLE_TELEMETRY = True
    _score_responses_alone()
    return trl


@cache
def _score_responses_alone() -> None:
    """Have TRL make no logits of positions without loss on CPUs, as it makes none on GPUs.

    It would elsewhere, for the sake of devices that compile a graph for every shape. Prompts are
    most of what is read: without their logits SFT of an adapter on HH-RLHF takes half the time.
    """
    from trl.trainer import utils

    on_gpu = getattr(utils, "_use_triton", None)  # its own, and may be gone
    if on_gpu is not None:
        utils._use_triton = lambda device: device.type == "cpu" or on_gpu(device)


def by_length(kind: Any) -> Any:
    """A Trainer of TRL whose batches hold examples of like length: padding costs as much as text.

    Where another order than a random one is asked for, it has that.
    """

    class Trainer(kind):  # type: ignore[misc]
        def _get_train_sampler(self, train_dataset: Any = None) -> Any:
            if self.args.train_sampling_strategy != "random":
                return super()._get_train_sampler(train_dataset)
            return ByLength(self._order)

        @cached_property
        def _order(self) -> EpochSampler:
            args, examples = self.args, self.train_dataset
            ids = [name for name in examples.column_names if name.endswith("_ids")]
            lengths = [sum(map(len, row)) for row in zip(*(examples[n] for n in ids), strict=True)]
            step = args.train_batch_size * args.gradient_accumulation_steps * args.world_size
            order = EpochSampler(lengths, args.seed, step)
            self.add_callback(TellEpoch(order))
            return order

    return Trainer


def dataset(rows: Sequence[Mapping[str, Any]]) -> Any:
    """Rows as a datasets.Dataset in memory; None where there are none."""
    from datasets import Dataset

    return Dataset.from_list([dict(row) for row in rows]) if rows else None


def language_modelling(rows: Sequence[Encoded], order: Sequence[int] | None = None) -> Any:
    """`input_ids` and `labels`, as SFTTrainer takes them; rows without a label are left out.

    `order`: places of rows, perhaps several times; None: each once.
    """
    seen = rows if order is None else [rows[place] for place in order]
    return dataset(
        [{"input_ids": list(r.input_ids), "labels": list(r.labels)} for r in seen if r.n_response]
    )


def prompt_and_responses(
    tokenizer: Any, prompt: Sequence[Message], responses: Sequence[Candidate], max_length: int
) -> tuple[list[int], list[list[int]]]:
    """Token ids of one prompt and of several responses to it; all have the same prompt.

    Where a long response makes `encode` cut the prompt, it is cut for the others too.
    """
    rows = [encode(tokenizer, prompt, c.text, max_length, ends=c.ends) for c in responses]
    kept = min(_n_prompt(row) for row in rows)
    first = rows[0].input_ids[: _n_prompt(rows[0])]
    answers = [list(row.input_ids[_n_prompt(row) :]) for row in rows]
    return list(first[len(first) - kept :]), answers


def reference(job: Job) -> Any:
    """The model as it is before training; None under LoRA, where it is the one without adapters."""
    return copy.deepcopy(job.model).eval() if job.peft_config is None else None


def _n_prompt(row: Encoded) -> int:
    return next((n for n, label in enumerate(row.labels) if label != IGNORED), len(row.labels))
