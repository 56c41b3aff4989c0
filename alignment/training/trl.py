"""Functions that all methods on TRL share: the import of TRL, and tokenised data for its Trainers.

TRL can apply chat templates and tokenise by itself. The methods pass token ids instead, so that one
function, `batches.encoding.encode`, decides which tokens carry loss.
"""

import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, cached_property
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.text.messages import Message

from ..data.groups import Candidate
from ..data.storage import stored
from .batches.encoding import IGNORED, Encoded, encode, last_tokens
from .batches.samplers import EpochSampler, TellEpoch
from .method import Job


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
            lengths = np.sum([_lengths(examples.data.column(name)) for name in ids], axis=0)
            step = args.train_batch_size * args.gradient_accumulation_steps * args.world_size
            order = EpochSampler(lengths, args.seed, step)
            self.add_callback(TellEpoch(order))
            return order

    return Trainer


def _lengths(column: Any) -> npt.NDArray[np.int64]:
    """Return the length of each list of a column of Arrow; shape (rows,)."""
    from pyarrow import compute

    return np.asarray(compute.list_value_length(column), dtype=np.int64)


def dataset(rows: Iterable[Mapping[str, Any]]) -> Any:
    """Return rows as a datasets.Dataset; None if there are no rows.

    Many rows stay in a file without a name, in the folder for temporary files, and memory holds
    what is read of it.

    Args:
        rows: Rows with the same columns, which hold texts, truth values or lists of token ids.
    """
    from datasets import Dataset, Features, List, Value
    from datasets.arrow_writer import ArrowWriter

    left = iter(rows)
    first = next(left, None)
    if first is None:
        return None
    kinds = {list: List(Value("int64")), str: Value("string"), bool: Value("bool")}
    # An empty list would not show its type.
    features = Features({name: kinds[type(value)] for name, value in first.items()})
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        path = Path(folder) / "rows.arrow"
        with ArrowWriter(path=str(path), features=features) as writer:
            for row in chain([first], left):
                writer.write(dict(row))
            writer.finalize()
        # A mapped file can be read until the process ends, though it has no name any more.
        return Dataset.from_file(str(path), in_memory=path.stat().st_size <= stored.IN_MEMORY)


def in_order(rows: Any, order: Sequence[int]) -> Any:
    """Return a dataset whose rows are those at some places, which may repeat."""
    return rows if order == range(len(rows)) else rows.select(order)


def language_modelling(rows: Iterable[Encoded], order: Sequence[int] | None = None) -> Any:
    """Return a dataset of `input_ids` and `labels` for SFTTrainer, without rows that lack labels.

    Args:
        rows: Encoded prompts and responses.
        order: Indices of rows in the order of training, which may repeat; None: each row once.
    """
    places: list[int] = []
    """The place of each row in the dataset; -1 if the dataset does not have the row."""

    def kept() -> Iterator[dict[str, Any]]:
        count = 0
        for row in rows:
            places.append(count if row.n_response else -1)
            if row.n_response:
                count += 1
                yield {"input_ids": list(row.input_ids), "labels": list(row.labels)}

    made = dataset(kept())
    if order is None or made is None or order == range(len(places)):
        return made
    return in_order(made, [places[place] for place in order if places[place] >= 0])


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
