"""Benchmarks in the middle of training, on the model as it is then."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from transformers import TrainerCallback

from .by_likelihood import choose, harness_model
from .items import Item
from .registry import Benchmark
from .results import Figures, aggregate

OnFigures = Callable[[int, Figures], None]


class BenchmarkCallback(TrainerCallback):  # type: ignore[misc]
    """Before the first step, every so many and after the last: what the model finds likeliest."""

    needs_likelihoods = True
    """Marks a callback that only a language model can serve, and no classifier."""

    def __init__(
        self,
        benchmarks: Sequence[tuple[Benchmark, Sequence[Item]]],
        steps: int,
        on_figures: OnFigures,
        *,
        apply_chat_template: bool = False,
        resamples: int = 1000,
        seed: int = 0,
    ) -> None:
        """Measures benchmarks that have a task on these items.

        Args:
            benchmarks: each with its items, see `loaders.load_items`.
            steps: between two measurements.
            on_figures: is told the step and the figures.
            apply_chat_template: see `likelihood.choose`.
            resamples: of the bootstrap.
            seed: of the bootstrap.
        """
        self.benchmarks, self.steps, self.on_figures = benchmarks, steps, on_figures
        self.apply_chat_template = apply_chat_template
        self.resamples, self.seed = resamples, seed

    def on_train_begin(
        self, args: Any, state: Any, control: Any, model: Any = None, **more: Any
    ) -> None:
        """Measure where training begins, or goes on."""
        self._measure(state.global_step, model, more["processing_class"])

    def on_step_end(
        self, args: Any, state: Any, control: Any, model: Any = None, **more: Any
    ) -> None:
        """Measure after every `steps` steps."""
        if state.global_step % self.steps == 0:
            self._measure(state.global_step, model, more["processing_class"])

    def on_train_end(
        self, args: Any, state: Any, control: Any, model: Any = None, **more: Any
    ) -> None:
        """Measure what training ends with, unless it ends on one of every so many."""
        if state.global_step % self.steps:
            self._measure(state.global_step, model, more["processing_class"])

    def _measure(self, step: int, model: Any, tokenizer: Any) -> None:
        training = model.training
        model.eval()
        # What is drawn here must not change what training draws.
        with torch.random.fork_rng():
            lm = harness_model(model, tokenizer)
            results = [
                result
                for benchmark, items in self.benchmarks
                for result in choose(lm, benchmark, items, self.apply_chat_template)
            ]
        model.train(training)
        known = [benchmark for benchmark, _ in self.benchmarks]
        self.on_figures(step, aggregate(known, results, self.resamples, self.seed))
