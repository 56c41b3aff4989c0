"""x"""

from collections.abc import Callable, Mapping
from typing import Any

from .alignment import align
from .benchmarks import benchmark
from .context import Context
from .evaluation import evaluate
from .figures import draw_figures
from .online import run_online
from .run import run_all
from .simulation import simulate
from .training_data import export, make_data


def evaluate_or_benchmark(context: Context) -> Any:
    """Compare base and aligned model on held-out questions, or measure one on benchmarks."""
    if context.settings.evaluate.benchmarks is None:
        return evaluate(context)
    return benchmark(context)


JOBS: Mapping[str, Callable[[Context], Any]] = {
    "run": run_all,
    "simulate": simulate,
    "data": make_data,
    "export": export,
    "align": align,
    "evaluate": evaluate_or_benchmark,
    "figures": draw_figures,
    "online": run_online,
}
