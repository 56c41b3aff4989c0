"""The learning rate of a run that ends when its tokens are spent."""

import math
from typing import Any

import numpy as np
import torch
from torch.utils.data import BatchSampler, DataLoader

_PARTS = 1_000
"""Parts of a schedule that follows tokens instead of steps."""


def fit_schedule(trainer: Any, max_tokens: int) -> None:
    """Let the schedule of the learning rate end where the tokens are spent.

    A run that trains on its own generated text knows its number of steps only when it has ended:
    there the schedule follows the tokens. Otherwise the number of steps is estimated.
    """
    masks = _sampled_masks(trainer)
    if masks is None:
        _follow_tokens(trainer, max_tokens)
    else:
        _shorten(trainer, max_tokens, *masks)


def _sampled_masks(trainer: Any, batches: int = 256) -> tuple[list[Any], int] | None:
    """Return the masks of `batches` batches spread evenly over the first epoch, of how many.

    None: the batches have no tokens yet.
    """
    # The sampler may draw from torch's global generator, whose state must stay as before.
    with torch.random.fork_rng(devices=[]):
        size = trainer.args.per_device_train_batch_size
        epoch = list(BatchSampler(trainer._get_train_sampler(), size, drop_last=False))
        loader = DataLoader(
            trainer.train_dataset,
            batch_sampler=epoch[:: math.ceil(len(epoch) / batches)],
            collate_fn=trainer.data_collator,
        )
        masks = [batch["attention_mask"] for batch in loader if "attention_mask" in batch]
    return (masks, len(epoch)) if masks else None


def _shorten(trainer: Any, max_tokens: int, masks: list[Any], batches: int) -> None:
    """Lower the number of steps to an estimate, from the masks of some of an epoch's batches."""
    args = trainer.args
    # Estimated number of tokens read up to each sampled batch.
    tokens = np.cumsum([0, *(int(mask.sum()) for mask in masks)]) * (batches / len(masks))
    whole, rest = divmod(max_tokens, tokens[-1])
    epochs = whole + np.interp(rest, tokens, np.linspace(0, 1, len(tokens)))
    # Round up: the last step of an epoch may have fewer batches than the others.
    per_epoch = math.ceil(batches / (args.gradient_accumulation_steps * args.world_size))
    # Add a margin to the estimate: the count of tokens ends the run, not the number of steps.
    estimated_steps = math.ceil(1.02 * epochs * per_epoch) + 1
    planned_steps = args.max_steps
    if planned_steps < 0:
        planned_steps = math.ceil(per_epoch * args.num_train_epochs)
    args.max_steps = min(planned_steps, estimated_steps)


def _follow_tokens(trainer: Any, max_tokens: int) -> None:
    """Make the schedule a function of the tokens spent, or of the steps if these end the run."""
    create = trainer.create_scheduler
    # What was spent before the first step, as by the training of a reward model.
    before = getattr(trainer, "tokens_before", 0)

    def create_scheduler(num_training_steps: int, optimizer: Any = None) -> Any:
        schedule = create(_PARTS, optimizer)

        def place(step: int) -> float:
            spent = (trainer.state.num_input_tokens_seen - before) / max(max_tokens - before, 1)
            return _PARTS * min(float(max(spent, step / num_training_steps)), 1.0)

        # A schedule that looks at losses has no such functions, and no end to fit.
        if hasattr(schedule, "lr_lambdas"):
            schedule.lr_lambdas = [
                lambda step, rate=rate: rate(place(step)) for rate in schedule.lr_lambdas
            ]
        return schedule

    trainer.create_scheduler = create_scheduler
