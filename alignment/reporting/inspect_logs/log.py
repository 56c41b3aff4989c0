"""One Inspect log: its header, its samples, and the mean of each score."""

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import stdev
from typing import Any, Literal

from social_sandbox.envs.errors import UserError, first_words
from social_sandbox.envs.rules.turns import Tokens

from ...runtime.stage import make_folder


def check_installed() -> None:
    """Raise UserError if inspect-ai cannot be imported, naming the extra to install."""
    try:
        import inspect_ai.log  # noqa: F401
    # A broken installation can raise anything.
    except Exception as error:
        raise UserError(
            f"export.to=inspect: inspect-ai cannot be imported ({first_words(error)}): "
            "pip install 'social-sandbox[inspect]'"
        ) from error


def make_log(
    name: str,
    samples: Sequence[Any],
    *,
    source: Path,
    models: Iterable[str],
    usage: Mapping[str, Tokens],
    metadata: Mapping[str, Any],
    epochs: int = 1,
) -> Any:
    """Return an `EvalLog`, whose ids depend on its samples alone.

    Args:
        name: What the log is of, such as `society`.
        samples: List of `EvalSample`.
        source: File that the samples come from; its time is the time of the log.
        models: Names of the models or policies that speak.
        usage: Tokens of each of them, where they are known.
        metadata: Further fields of the header, such as the settings of the run.
        epochs: Number of samples for each id.
    """
    from inspect_ai.log import EvalConfig, EvalDataset, EvalLog, EvalResults, EvalSpec, EvalStats

    ids = list(dict.fromkeys(sample.id for sample in samples))
    made = datetime.fromtimestamp(int(source.stat().st_mtime), UTC).isoformat()
    texts = "\n".join(f"{sample.uuid}" for sample in samples)
    failed = sum(sample.error is not None for sample in samples)
    return EvalLog(
        status="success",
        eval=EvalSpec(
            eval_id=identifier(name, "eval", texts),
            run_id=identifier(name, "run", texts),
            task_id=identifier(name, "task"),
            created=made,
            task=f"social_sandbox/{name}",
            task_display_name=name,
            dataset=EvalDataset(name=name, location=str(source), samples=len(ids), sample_ids=ids),
            model=", ".join(dict.fromkeys(models)) or "unknown",
            config=EvalConfig(epochs=epochs),
            packages={"social_sandbox": version("social-sandbox")},
            metadata=dict(metadata),
        ),
        results=EvalResults(
            total_samples=len(samples),
            completed_samples=len(samples) - failed,
            scores=mean_scores(samples),
        ),
        stats=EvalStats(
            started_at=made,
            completed_at=made,
            model_usage={policy: model_usage(tokens) for policy, tokens in usage.items()},
        ),
        samples=list(samples),
    )


def write_log(log: Any, path: Path) -> None:
    """Write a log; an earlier one stays until the new one is complete.

    Raises:
        UserError: The folder cannot be made.
    """
    from inspect_ai.log import write_eval_log

    make_folder(path.parent, "export.folder")
    partial = path.with_name(f".{path.stem}.partial.eval")
    try:
        write_eval_log(log, str(partial), format="eval")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def identifier(*parts: str) -> str:
    """Return an id of 22 characters that is always the same for the same texts."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:22]


def score(value: float | None, missing: str, **metadata: Any) -> Any:
    """Return a `Score`; without a value, one that Inspect leaves out of means.

    Args:
        value: A rating or another score; None where there is none.
        missing: Why there is no value.
        metadata: Further fields.
    """
    from inspect_ai.scorer import Score

    if value is None:
        return Score.unscored(reason="missing", explanation=missing, metadata=metadata)
    return Score(value=float(value), metadata=metadata)


def model_usage(tokens: Tokens) -> Any:
    """Return tokens as Inspect counts them."""
    from inspect_ai.model import ModelUsage

    return ModelUsage(
        input_tokens=tokens.prompt,
        output_tokens=tokens.completion,
        total_tokens=tokens.prompt + tokens.completion,
        input_tokens_cache_read=tokens.cached or None,
        total_cost=tokens.usd or None,
    )


def answer_output(model: str, text: str, error: str = "", *, cut_off: bool = False) -> Any:
    """Return an answer as the output of a sample."""
    from inspect_ai.model import ModelOutput

    reason: Literal["max_tokens", "stop"] = "max_tokens" if cut_off else "stop"
    return ModelOutput.from_content(model or "unknown", text, reason, error or None)


def sample_error(*problems: str) -> Any:
    """Return the `EvalError` of a sample, or None where no problem is named."""
    from inspect_ai.log import EvalError

    named = [problem for problem in problems if problem]
    if not named:
        return None
    return EvalError(message="; ".join(named), traceback="", traceback_ansi="")


def mean_scores(samples: Sequence[Any], suffix: str = "") -> list[Any]:
    """Return the mean of each score over samples, with its standard error, as `EvalScore`.

    Args:
        samples: List of `EvalSample`.
        suffix: End of the names of the means, such as the model whose samples these are.
    """
    from inspect_ai.log import EvalMetric, EvalScore

    names = dict.fromkeys(name for sample in samples for name in sample.scores or {})
    scores = []
    for name in names:
        values = [sample.scores[name].value for sample in samples if name in (sample.scores or {})]
        present = [value for value in values if not math.isnan(value)]
        metrics = {}
        if present:
            metrics["mean"] = EvalMetric(name="mean", value=sum(present) / len(present))
        if len(present) > 1:
            error = stdev(present) / math.sqrt(len(present))
            metrics["stderr"] = EvalMetric(name="stderr", value=error)
        scores.append(
            EvalScore(
                name=name + suffix,
                scorer=name,
                scored_samples=len(present),
                unscored_samples=len(values) - len(present),
                metrics=metrics,
            )
        )
    return scores
