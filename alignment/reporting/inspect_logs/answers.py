"""Held-out answers and benchmarks as Inspect logs: a sample for each question and model."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from social_sandbox.envs.rules.turns import ASPECTS
from social_sandbox.envs.text.messages import Message

from ...evaluation.benchmarks.items import ItemResult, from_exchanges
from .log import answer_output, identifier, make_log, mean_scores, sample_error, score


def held_out_log(
    rows: Sequence[Mapping[str, Any]], source: Path, metadata: Mapping[str, Any]
) -> Any:
    """Return an `EvalLog` whose samples are held-out answers.

    The id of a sample is the number of the question and the model's name; each further answer of a
    model to a question is an epoch. The scores are the observer's ratings.

    Args:
        rows: Rows of `held_out.answer_rows`.
        source: Their file.
        metadata: Further fields of the header.
    """
    numbers: dict[str, int] = {}
    for row in rows:
        numbers.setdefault(str(row["question"]), len(numbers) + 1)
    models = list(dict.fromkeys(name for row in rows for name in _answers(row)))
    samples = [
        _held_out_sample(row, numbers[str(row["question"])], name)
        for name in models
        for row in rows
        if name in _answers(row)
    ]
    log = make_log(
        "held_out",
        samples,
        source=source,
        models=models,
        usage={},
        metadata=metadata,
        epochs=max((sample.epoch for sample in samples), default=1),
    )
    # A mean over both models would be of neither.
    log.results.scores = [
        mean
        for model in models
        for mean in mean_scores([s for s in samples if s.metadata["model"] == model], f"/{model}")
    ]
    return log


def _answers(row: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {n: v for n, v in row.items() if isinstance(v, Mapping) and "answer" in v}


def _held_out_sample(row: Mapping[str, Any], number: int, model: str) -> Any:
    answer = _answers(row)[model]
    return _sample(
        f"{number:04}/{model}",
        int(row.get("sample", 0)) + 1,
        question=str(row["question"]),
        model=model,
        answer=str(answer["answer"]),
        error="",
        scores={a: score(answer.get(a), "the observer gave no rating") for a in ASPECTS},
        metadata={"model": model, "kind": row.get("kind", ""), "sample": row.get("sample", 0)},
    )


def benchmarks_log(
    results: Sequence[ItemResult],
    source: Path,
    estimates: Mapping[str, Any],
    metadata: Mapping[str, Any],
) -> Any:
    """Return an `EvalLog` whose samples are items of benchmarks.

    The id of a sample is benchmark, part and item. Its scores are those of the item by metric; the
    header's results are those of the benchmarks, with their intervals.

    Args:
        results: Results of the items.
        source: Their file.
        estimates: Contents of `results.json` in the same folder.
        metadata: Further fields of the header.
    """
    from inspect_ai.log import EvalMetric, EvalScore

    model = str(estimates.get("model") or "unknown")
    log = make_log(
        "benchmarks",
        [_item_sample(result, model) for result in results],
        source=source,
        models=[model],
        usage={},
        metadata=metadata,
    )
    log.results.scores = [
        EvalScore(
            name=f"{benchmark}/{metric}",
            scorer=benchmark,
            scored_samples=estimate.get("n"),
            metrics={
                end: EvalMetric(name=end, value=estimate[end])
                for end in ("mean", "low", "high")
                if estimate.get(end) is not None
            },
            metadata={name: estimate.get(name) for name in ("what", "better", "chance")},
        )
        for benchmark, metrics in estimates.get("benchmarks", {}).items()
        for metric, estimate in metrics.items()
    ]
    return log


def _item_sample(result: ItemResult, model: str) -> Any:
    details = result.details
    error = str(details.get("error", ""))
    return _sample(
        "/".join((result.benchmark, result.part, result.item)),
        1,
        question=str(details.get("question", f"item {result.item} of {result.benchmark}")),
        earlier=details.get("earlier", ()),
        model=model,
        answer=str(details.get("answer", "")),
        error=error,
        scores={name: score(value, "") for name, value in result.scores.items()},
        metadata={
            **{"model": model, "benchmark": result.benchmark, "part": result.part},
            **{"group": result.group, **json.loads(json.dumps(details, default=str))},
        },
    )


def _sample(
    sample_id: str,
    epoch: int,
    *,
    question: str,
    model: str,
    answer: str,
    error: str,
    scores: dict[str, Any],
    metadata: dict[str, Any],
    earlier: Sequence[Mapping[str, str]] = (),
) -> Any:
    from inspect_ai.log import EvalSample
    from inspect_ai.model import ChatMessageAssistant, ChatMessageUser

    kinds: dict[str, Any] = {"user": ChatMessageUser, "assistant": ChatMessageAssistant}
    spoken = [*from_exchanges(earlier), Message("user", question)]
    spoken += [Message("assistant", answer)] * (answer != "")
    return EvalSample(
        id=sample_id,
        epoch=epoch,
        uuid=identifier(sample_id, str(epoch), question, answer),
        input=question,
        target="",
        messages=[
            kinds[one.role](
                id=identifier("message", sample_id, str(epoch), str(n)), content=one.content
            )
            for n, one in enumerate(spoken)
        ],
        output=answer_output(model, answer, error),
        scores=scores,
        metadata=metadata,
        error=sample_error(error),
    )
