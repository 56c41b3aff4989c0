"""Benchmarks in the middle of training, on the model as it is at that step."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from transformers import TrainerCallback

from .by_likelihood import choose, harness_model
from .items import Item
from .registry import Benchmark
from .results.estimates import Estimates, aggregate

OnEstimates = Callable[[int, Estimates], None]


class BenchmarkCallback(TrainerCallback):  # type: ignore[misc]
    """Measures benchmarks by likelihood before the first step, every few steps, and at the end."""

    needs_likelihoods = True
    """Marks a callback that needs a language model; a classifier cannot serve it."""

    def __init__(
        self,
        benchmarks: Sequence[tuple[Benchmark, Sequence[Item]]],
        steps: int,
        on_estimates: OnEstimates,
        *,
        apply_chat_template: bool = False,
        resamples: int = 1000,
        seed: int = 0,
    ) -> None:
        """Prepare measurements of benchmarks that have a task.

        Args:
            benchmarks: Benchmarks, each with its items, see `loaders.load_items`.
            steps: Number of steps between two measurements.
            on_estimates: Called with the step and the estimates after each measurement.
            apply_chat_template: See `by_likelihood.choose`.
            resamples: Number of bootstrap resamples.
            seed: Seed of the resamples.
        """
        self.benchmarks, self.steps, self.on_estimates = benchmarks, steps, on_estimates
        self.apply_chat_template = apply_chat_template
        self.resamples, self.seed = resamples, seed

    def on_train_begin(
        self, args: Any, state: Any, control: Any, model: Any = None, **more: Any
    ) -> None:
        """Measure the model where training begins or is resumed."""
        self._measure(state.global_step, model, more["processing_class"])

    def on_step_end(
        self, args: Any, state: Any, control: Any, model: Any = None, **more: Any
    ) -> None:
        """Measure the model after every `steps` steps."""
        if state.global_step % self.steps == 0:
            self._measure(state.global_step, model, more["processing_class"])

    def on_train_end(
        self, args: Any, state: Any, control: Any, model: Any = None, **more: Any
    ) -> None:
        """Measure the final model, unless its step has just been measured."""
        if state.global_step % self.steps:
            self._measure(state.global_step, model, more["processing_class"])

    def _measure(self, step: int, model: Any, tokenizer: Any) -> None:
        training = model.training
        model.eval()
        # Random draws of the measurement must not change those of the training.
        with torch.random.fork_rng():
            lm = harness_model(model, tokenizer)
            results = [
                result
                for benchmark, items in self.benchmarks
                for result in choose(lm, benchmark, items, self.apply_chat_template)
            ]
        model.train(training)
        benchmarks = [benchmark for benchmark, _ in self.benchmarks]
        self.on_estimates(step, aggregate(benchmarks, results, self.resamples, self.seed))
