"""A Trainer of transformers whose loss is over rated groups, and the rows that it logs."""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import Trainer

from social_sandbox.envs.rules.seeding import generator

from .batches.batching import Batch, GroupCollator, GroupDataset, pad_token_id
from .batches.packing import Packing, allowed
from .batches.samplers import EpochSampler, TellEpoch, WholeBatches, group_length, in_stages
from .early_stopping import StopPastMargin
from .loss.group_metrics import COUNTS, GroupMetrics, Sums
from .loss.losses import GroupLoss
from .loss.response_likelihood import ResponseLikelihood

log = logging.getLogger(__name__)


GroupLossFunction = Callable[[Tensor, Batch, Tensor], GroupLoss]
"""(nll, batch, valid) -> loss; `nll`: (candidates,) nats per token, `valid`: (candidates,) bool,
whether the candidate has a response."""


class GroupTrainer(Trainer):  # type: ignore[misc]
    """transformers.Trainer with a loss over batches of rated groups.

    Checkpoints, resuming and export are the Trainer's own. Every log row has, besides the
    Trainer's: `loss/sft`, `loss/contrast`, `hinge_active` (share), `nll/rating_K` (mean nats per
    token of the candidates rated K up to below K + 1), `nll/past_margin` (mean nats per token by
    which lower-rated candidates are less likely than the margin asks for), `margin_violations`
    (share of lower-rated candidates within the margin), `eos_probability` (mean probability of the
    end-of-turn token where the best-rated response ends), `response_tokens` (mean length of the
    responses in the data), `masked_candidates` and `truncated` (counts since the row before), and
    `log_ratio` (how much likelier the best-rated candidates are than before training, in nats per
    token) where it was measured. Rows about held-out groups have `held_out/loss` and its parts.
    """

    # compute_loss divides by the groups of the whole accumulated batch. Left to its guess, the
    # Trainer takes the loss for a mean, and gradients grow with the accumulation or shrink.
    loss_is_scaled_for_ga = True
    control: Any

    def __init__(
        self,
        model: Any,
        args: Any,
        dataset: GroupDataset,
        loss: GroupLossFunction,
        callbacks: Sequence[Any] = (),
        *,
        packing: Packing = False,
        logits_chunk: int | None = None,
        stop_nll: float | None = None,
        divergence_groups: int = 0,
        held_out: GroupDataset | None = None,
        staged_epochs: float | None = None,
    ) -> None:
        """For the settings see `methods.grouped.GroupedConfig`.

        `staged_epochs`: so many of each stage, one stage after the other, make one epoch of the
        Trainer; None: stages are mixed.
        """
        self.group_loss = loss
        lengths = np.fromiter(map(group_length, dataset.groups), dtype=np.int64)
        # Whole steps: which groups share one must not depend on how it is accumulated, nor on how
        # many processes share the work.
        step = args.per_device_train_batch_size * args.gradient_accumulation_steps * args.world_size
        order = EpochSampler(lengths, args.seed, step)
        self._sampler: Any = order
        if staged_epochs is not None:
            kinds = (group.kind for group in dataset.groups)
            self._sampler = in_stages(kinds, staged_epochs, args.seed, lengths, step)
        self._metrics = GroupMetrics(dataset.tokenizer.eos_token_id)
        self.likelihood = ResponseLikelihood(model, logits_chunk)
        super().__init__(
            model=model,
            args=args,
            data_collator=GroupCollator(pad_token_id(dataset.tokenizer), allowed(packing, model)),
            train_dataset=dataset,
            eval_dataset=held_out,
            processing_class=dataset.tokenizer,
            callbacks=[TellEpoch(order), StopPastMargin(stop_nll), *callbacks],
        )
        # Before it is sharded the model is nowhere whole but on the CPU: too slow to be worth it.
        if divergence_groups and (self.is_fsdp_enabled or self.is_deepspeed_enabled):
            if self.is_world_process_zero():
                log.warning("no log_ratio (method.divergence_groups): the model is sharded")
        elif divergence_groups:
            self._measure_start(dataset, divergence_groups)

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        if self.args.world_size == 1:
            return self._sampler
        size = self.args.per_device_train_batch_size * self.args.world_size
        return WholeBatches(self._sampler, size)

    def get_batch_samples(
        self, epoch_iterator: Iterator[Any], num_batches: int, device: torch.device
    ) -> tuple[list[Any], Tensor]:
        """Return the micro-batches of one optimiser step and the number of their valid groups."""
        batches = [batch for _, batch in zip(range(num_batches), epoch_iterator, strict=False)]
        count = torch.tensor(sum(batch["n_valid_groups"] for batch in batches), device=device)
        if self.args.world_size > 1:
            count = self.accelerator.gather(count).sum()
        return batches, count

    def compute_loss(
        self,
        model: Any,
        inputs: Batch,
        return_outputs: bool = False,
        num_items_in_batch: Tensor | None = None,
    ) -> Any:
        """Return the loss of a micro-batch: the sum over its groups / groups of the whole batch."""
        read = self.likelihood(model, inputs)
        parts = self.group_loss(read.nll, inputs, read.count > 0)
        if model.training:
            self._metrics.add(parts, read, inputs)
        if num_items_in_batch is None:
            loss = parts.mean
        else:
            # Processes average their gradients, and the count is of all of them together.
            loss = parts.loss / num_items_in_batch.clamp(min=1) * self.args.world_size
        return (loss, read) if return_outputs else loss

    @torch.no_grad()
    def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
        """Return the mean loss over the held-out groups.

        Every process reads all of them: they are few, and wrappers need all processes to do the
        same.
        """
        held_out: Any = self.eval_dataset
        size = self.args.per_device_eval_batch_size
        sums: defaultdict[str, float] = defaultdict(float)
        self.model_wrapped.eval()
        for start in range(0, len(held_out), size):
            numbers = range(start, min(start + size, len(held_out)))
            batch = self._prepare_inputs(self.data_collator([held_out[n] for n in numbers]))
            with self.compute_loss_context_manager():
                read = self.likelihood(self.model_wrapped, batch)
            parts = self.group_loss(read.nll, batch, read.count > 0)
            for name in ("loss", "sft", "contrast", "n_groups"):
                sums[name] += getattr(parts, name).item()
        self.model_wrapped.train()
        count = max(sums.pop("n_groups"), 1)
        metrics = {f"held_out/{name}": total / count for name, total in sums.items()}
        self.log(dict(metrics))
        self.control: Any = self.callback_handler.on_evaluate(
            self.args, self.state, self.control, metrics
        )
        # Learning rate schedules that follow the held-out loss look for this name.
        return {**metrics, "eval_loss": metrics["held_out/loss"]}

    @torch.no_grad()
    def _measure_start(self, dataset: GroupDataset, count: int) -> None:
        """Write to the data set how likely the best-rated responses of some groups are now."""
        # Short with short, so that little is padding.
        chosen = generator(self.args.seed, "divergence").permutation(len(dataset))[:count]
        numbers = sorted(map(int, chosen), key=lambda n: group_length(dataset.groups[n]))
        size = self.args.per_device_train_batch_size
        training = self.model.training
        self.model.eval()
        for start in range(0, len(numbers), size):
            some = numbers[start : start + size]
            batch = self._prepare_inputs(self.data_collator([dataset.best(n) for n in some]))
            with self.compute_loss_context_manager():
                read = self.likelihood(self.model, batch)
            for number, nll, tokens in zip(
                some, read.nll.tolist(), read.count.tolist(), strict=True
            ):
                if tokens:
                    dataset.start_nll[number] = nll
        self.model.train(training)

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Add what was measured since the last row to the Trainer's training rows."""
        if "loss" in logs:
            sums = self._sums_of_all_processes()
            for name, (total, weight) in sorted(sums.items()):
                logs[name] = total / weight if weight else 0.0
            for name in COUNTS & sums.keys():
                logs[name] = sums[name][0]
            # A mean over groups, as its parts are: in the Trainer's own mean over steps the
            # few groups of an epoch's last batch weigh as much as those of a whole one.
            logs["loss"] = logs["loss/sft"] + logs["loss/contrast"]
        super().log(logs, start_time)

    def _sums_of_all_processes(self) -> Sums:
        """Return the sums since the last row, over processes that may have seen other ratings."""
        sums = self._metrics.take()
        if self.args.world_size == 1:
            return sums
        everyone: list[Any] = [None] * self.args.world_size
        torch.distributed.all_gather_object(everyone, sums)
        summed: defaultdict[str, tuple[float, float]] = defaultdict(lambda: (0.0, 0.0))
        for each in everyone:
            for name, (total, weight) in each.items():
                summed[name] = (summed[name][0] + total, summed[name][1] + weight)
        return summed
