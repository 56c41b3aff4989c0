"""Multiple choice by likelihood, scored by the lm-evaluation-harness."""

import io
import logging
from collections.abc import Iterator, Sequence
from contextlib import redirect_stderr
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.text.jsonl import write_objects

from .items import Item, ItemResult
from .registry import Benchmark

CHUNK = 48
"""Number of items between two times that results are written."""


def import_harness() -> None:
    """Import lm-eval and silence its log.

    Raises:
        UserError: lm-eval is not installed; says what to install.
    """
    try:
        import lm_eval  # noqa: F401
    except ImportError as error:
        raise UserError("evaluate.benchmarks need: pip install 'social-sandbox[eval]'") from error
    # lm-eval logs each of the settings that it is called with.
    logging.getLogger("lm_eval").setLevel(logging.ERROR)
    import datasets

    datasets.disable_progress_bars()


def harness_model(model: Any, tokenizer: Any) -> Any:
    """Return a loaded model, which may be a PeftModel, in the form that lm-eval takes."""
    import_harness()
    from .shared_prefix import SharedPrefixLM

    return SharedPrefixLM(pretrained=model, tokenizer=tokenizer, batch_size=1)


def choose(
    lm: Any, benchmark: Benchmark, items: Sequence[Item], apply_chat_template: bool
) -> Iterator[ItemResult]:
    """Yield a model's likeliest choices, item by item as they come.

    Args:
        lm: Model, see `harness_model`; or any other model of lm-eval.
        benchmark: Benchmark with a task.
        items: Items with choices.
        apply_chat_template: Whether the text before the choices is put to the model as a user's
            message, which is not the harness's default.
    """
    import_harness()
    from lm_eval.evaluator import evaluate
    from lm_eval.tasks import TaskManager

    assert benchmark.task is not None
    with TemporaryDirectory() as folder:
        file = Path(folder) / "rows.jsonl"
        write_objects(file, map(_row, items))
        task = benchmark.task | {
            "dataset_kwargs": {"data_files": {"test": str(file)}, "cache_dir": folder}
        }
        # lm-eval writes progress and advice to stderr.
        with redirect_stderr(io.StringIO()):
            tasks = TaskManager(include_defaults=False).load([task])
        for start in range(0, len(items), CHUNK):
            places = list(range(start, min(start + CHUNK, len(items))))
            with redirect_stderr(io.StringIO()):
                results = evaluate(
                    lm,
                    tasks,
                    samples={benchmark.name: places},
                    bootstrap_iters=0,
                    apply_chat_template=apply_chat_template,
                )
            samples = {s["doc_id"]: s for s in results["samples"][benchmark.name]}
            for place in places:
                logs = [float(one[0]) for one in samples[place]["filtered_resps"]]
                yield scored(benchmark, items[place], logs)


def scored(benchmark: Benchmark, item: Item, log_likelihoods: Sequence[float]) -> ItemResult:
    """Return the scores that follow from the log-likelihoods of an item's choices, in nats."""
    logs = np.array(log_likelihoods)
    scores: dict[str, float] = {}
    details: dict[str, Any] = {"loglikelihoods": [round(log, 4) for log in log_likelihoods]}
    if "mc1" in item.meta:
        places = list(item.meta["mc1"])
        scores["mc1"] = float(places[int(logs[places].argmax())] == item.meta["best"])
        details["chance"] = {"mc1": 1 / len(places)}
    if "mc2" in item.meta:
        places = list(item.meta["mc2"])
        shares = np.exp(logs[places] - logs[places].max())
        right = np.array(item.labels)[places] == 1
        scores["mc2"] = float(shares[right].sum() / shares.sum())
        details.setdefault("chance", {})["mc2"] = float(right.mean())
    if "acc" in benchmark.metrics:
        scores["acc"] = float(item.labels[int(logs.argmax())] == 1)
    if "acc_norm" in benchmark.metrics:
        lengths = np.array([len(choice) for choice in item.choices])
        scores["acc_norm"] = float(item.labels[int((logs / lengths).argmax())] == 1)
    if "category" in item.meta:
        details["category"] = item.meta["category"]
    return ItemResult(benchmark.name, item.id, "choice", item.group, scores, details)


def shown_fields(item: Item) -> dict[str, str]:
    """Return the fields of an item that a task's template can show."""
    return {name: value for name, value in item.meta.items() if isinstance(value, str)}


def _row(item: Item) -> dict[str, Any]:
    return shown_fields(item) | {"choices": list(item.choices), "gold": item.labels.index(1)}
