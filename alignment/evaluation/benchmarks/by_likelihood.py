"""Multiple choice by likelihood, on the lm-evaluation-harness."""

import io
import logging
from collections.abc import Iterator, Sequence
from contextlib import redirect_stderr
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.jsonl import write_objects

from .items import Item, ItemResult
from .registry import Benchmark

CHUNK = 48
"""Items between two times that results are kept."""


def import_harness() -> None:
    """Raises UserError saying what to install, where lm-eval is missing."""
    try:
        import lm_eval  # noqa: F401
    except ImportError as error:
        raise UserError("evaluate.benchmarks need: pip install 'social-sandbox[eval]'") from error
    # It explains at length what it was told to do.
    logging.getLogger("lm_eval").setLevel(logging.ERROR)
    import datasets

    datasets.disable_progress_bars()


def harness_model(model: Any, tokenizer: Any) -> Any:
    """A live model, a PeftModel included, as lm-eval takes it."""
    import_harness()
    from .shared_prefix import SharedPrefixLM

    return SharedPrefixLM(pretrained=model, tokenizer=tokenizer, batch_size=1)


def choose(
    lm: Any, benchmark: Benchmark, items: Sequence[Item], apply_chat_template: bool
) -> Iterator[ItemResult]:
    """What a model finds likeliest, item by item, as results come.

    Args:
        lm: see `harness_model`; or any other model of lm-eval.
        benchmark: with a task.
        items: with choices.
        apply_chat_template: put what comes before the choices to the model as a user's message;
            the harness does not, unless it is told to.
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
        # What is no error of ours it says at length.
        with redirect_stderr(io.StringIO()):
            tasks = TaskManager(include_defaults=False).load([task])
        for start in range(0, len(items), CHUNK):
            chunk = list(range(start, min(start + CHUNK, len(items))))
            with redirect_stderr(io.StringIO()):
                found = evaluate(
                    lm,
                    tasks,
                    samples={benchmark.name: chunk},
                    bootstrap_iters=0,
                    apply_chat_template=apply_chat_template,
                )
            samples = {s["doc_id"]: s for s in found["samples"][benchmark.name]}
            for at in chunk:
                likely = [float(one[0]) for one in samples[at]["filtered_resps"]]
                yield scored(benchmark, items[at], likely)


def scored(benchmark: Benchmark, item: Item, likely: Sequence[float]) -> ItemResult:
    """The scores that follow from the log-likelihoods of an item's choices, in nats."""
    logs = np.array(likely)
    scores: dict[str, float] = {}
    details: dict[str, Any] = {"loglikelihoods": [round(one, 4) for one in likely]}
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


def shown(item: Item) -> dict[str, str]:
    """What a task's template shows of an item."""
    return {name: value for name, value in item.meta.items() if isinstance(value, str)}


def _row(item: Item) -> dict[str, Any]:
    return shown(item) | {"choices": list(item.choices), "gold": item.labels.index(1)}
