"""Functions that all methods on TRL share: the import of TRL, and tokenised data for its Trainers.

TRL can apply chat templates and tokenise by itself. The methods pass token ids instead, so that one
function, `encoding.encode`, decides which tokens carry loss.
"""

import copy
from collections.abc import Mapping, Sequence
from functools import cache, cached_property
from typing import Any

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.messages import Message

from ..data.groups import Candidate
from .encoding import IGNORED, Encoded, encode, last_tokens
from .method import Job
from .samplers import EpochSampler, TellEpoch


def import_trl(method: str) -> Any:
    """Import TRL with telemetry off.

    Raises:
        UserError: TRL is not installed; the message names the method that needs it.
    """
    try:
        import trl
    except ImportError as error:
        raise UserError(f"method={method} needs: pip install 'social-sandbox[align]'") from error
    from huggingface_hub import constants

    # The environment variable has no effect any more: huggingface_hub reads it on its first import.
    constants.HF_HUB_DISABLE_TELEMETRY = True
    _score_responses_alone()
    return trl


@cache
def _score_responses_alone() -> None:
    """Make TRL skip the logits of positions without loss on CPUs, as it does on GPUs.

    On other devices TRL computes all logits, since some of them compile a graph for every shape.
    Prompts are most of the tokens: without their logits SFT of an adapter on HH-RLHF takes half the
    time on a CPU.
    """
    from trl.trainer import utils

    on_gpu = getattr(
        utils, "_use_triton", None
    )  # private: a later version of TRL may lack this function
    if on_gpu is not None:
        utils._use_triton = lambda device: device.type == "cpu" or on_gpu(device)


def by_length(kind: Any) -> Any:
    """Return a subclass of a TRL Trainer whose batches hold examples of similar length.

    Padding costs as much compute as text. If `train_sampling_strategy` is not "random", the order
    stays the Trainer's own.
    """

    class Trainer(kind):  # type: ignore[misc]
        def _get_train_sampler(self, train_dataset: Any = None) -> Any:
            if self.args.train_sampling_strategy != "random":
                return super()._get_train_sampler(train_dataset)
            return self._order

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
    """Return rows as a datasets.Dataset in memory; None if there are no rows."""
    from datasets import Dataset

    return Dataset.from_list([dict(row) for row in rows]) if rows else None


def language_modelling(rows: Sequence[Encoded], order: Sequence[int] | None = None) -> Any:
    """Return a dataset of `input_ids` and `labels` for SFTTrainer, without rows that lack labels.

    Args:
        rows: Encoded prompts and responses.
        order: Indices of rows in the order of training, which may repeat; None: each row once.
    """
    ordered = rows if order is None else [rows[index] for index in order]
    return dataset(
        [
            {"input_ids": list(r.input_ids), "labels": list(r.labels)}
            for r in ordered
            if r.n_response
        ]
    )


def prompt_and_responses(
    tokenizer: Any, prompt: Sequence[Message], responses: Sequence[Candidate], max_length: int
) -> tuple[list[int], list[list[int]]]:
    """Return the token ids of one prompt and of several responses to that prompt.

    All responses share the prompt: if `encode` truncates the prompt to make room for one response,
    the others get the truncated prompt too.
    """
    rows = [encode(tokenizer, prompt, c.text, max_length, ends=c.ends) for c in responses]
    kept = min(_n_prompt(row) for row in rows)
    prompt_ids = rows[0].input_ids[: _n_prompt(rows[0])]
    answers = [list(row.input_ids[_n_prompt(row) :]) for row in rows]
    return last_tokens(prompt_ids, kept, tokenizer.bos_token_id), answers


def reference(job: Job) -> Any:
    """Return a copy of the model before training; None under LoRA.

    Under LoRA TRL uses the model without its adapters as the reference.
    """
    return copy.deepcopy(job.model).eval() if job.peft_config is None else None


def _n_prompt(row: Encoded) -> int:
    """Return the number of tokens before the response."""
    return next((n for n, label in enumerate(row.labels) if label != IGNORED), len(row.labels))
