"""The stage of safeguards: is the aligned model much worse than the base model at something?"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from social_sandbox.policies.society.lock import locked

from ...reporting import safeguards as report
from ...reporting.console import print_verdicts
from ...reporting.tracking import rows as wandb_rows
from ...runtime.markdown import markdown_table
from ...runtime.stage import Summary, Work, make_folder, write_json
from ..context import Context
from ..identity import model_hash
from ..inputs import input_hash
from ..preflight import check_held_out_model

if TYPE_CHECKING:
    from ...evaluation.benchmarks.measuring import Results


def guard(context: Context, model: str) -> Summary:
    """Compare an aligned with the base model on `evaluate.safeguards`.

    Writes `safeguards/results.json` and `results.md`. The results of the base model are kept for
    all runs of a sweep or an online job.

    Args:
        context: The context of the run.
        model: The aligned model.

    Returns:
        The content of `results.json`: `findings`, see `evaluation.benchmarks.safeguards.Finding`.

    Raises:
        UserError: A benchmark has no data, or `evaluate.model` is `policy`.
    """
    from ...evaluation.benchmarks.safeguards import (
        check_safeguards,
        plain_findings,
        safeguard_parts,
    )

    settings, console = context.settings, context.console
    config = settings.evaluate
    check_held_out_model(config)
    parts = safeguard_parts(config)
    asked_with: dict[str, Any] = {
        name: getattr(config, name)
        for name in ("benchmark_temperature", "max_new_tokens", "apply_chat_template", "seed")
    }
    if settings.chat_template is not None:
        asked_with["chat_template"] = input_hash(settings.chat_template, "chat_template")
    weights = {"base": settings.base_model, "aligned": model}
    hashes = {name: model_hash(path) for name, path in weights.items()}
    made_with = asked_with | {"models": weights, "weights": hashes}
    amount = {
        "safeguards": list(config.safeguards),
        "limit": config.limit,
        "items": _hash([[part.benchmark.name, [item.id for item in part.items]] for part in parts]),
        "resamples": config.resamples,
    }

    def results_of(name: str, folder: Path) -> "Results":
        from social_sandbox.policies.huggingface.policy import HuggingFacePolicy

        from ...evaluation.benchmarks.measuring import measured

        policy = HuggingFacePolicy(
            weights[name],
            # Items are asked under this name: a folder is read again wherever the model lies.
            name=name,
            temperature=config.benchmark_temperature,
            max_new_tokens=config.max_new_tokens,
            device=context.device,
            chat_template=settings.chat_template,
        )
        make_folder(folder, "output_dir")
        console.print(f"  {name} model", highlight=False)
        with locked(folder):
            return measured(parts, policy, None, config, folder, console, bool(settings.progress))

    def prepare() -> Work[None]:
        def work(folder: Path) -> tuple[Summary, None]:
            asked = {**asked_with, "model": weights["base"], "weights": hashes["base"]}
            base = results_of("base", context.shared_dir / "measured" / f"base_{_hash(asked)[:12]}")
            aligned = results_of("aligned", folder)
            summary = {"findings": plain_findings(check_safeguards(parts, base, aligned, config))}
            write_json(folder / "results.json", summary)
            (folder / "results.md").write_text(markdown(summary), encoding="utf-8")
            return summary, None

        return work

    summary, _ = context.run_stage("safeguards", made_with, prepare, amount)
    with context.logged_once("safeguards", [("model", Path(model))]) as run:
        wandb_rows.log_safeguards(run, summary["findings"], context.cycle)
    report.print_safeguards(console, summary["findings"])
    print_verdicts(console, report.safeguard_lines(summary["findings"]))
    return summary


def markdown(summary: Mapping[str, Any]) -> str:
    """Return the table of safeguards with their verdicts in Markdown."""
    findings = summary["findings"]
    table = markdown_table(report.COLUMNS, report.finding_rows(findings), right=report.NUMBERS)
    lines = [f"- {line}\n" for line in report.safeguard_lines(findings)]
    return "".join([table, "\n", *lines])


def _hash(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()
