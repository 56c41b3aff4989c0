"""The main job: simulate -> data -> align -> evaluate -> figures. Each stage is a function.

Stages hand over files, never objects: any of them can be given a file that another program
wrote.
"""

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.interactions import read_interactions
from social_sandbox.policies.adapt import as_policy
from social_sandbox.policies.shared_model import load
from social_sandbox.policies.simulate import INTERACTIONS, simulate

from . import data_report, histograms, report, tracking
from .benchmark_stage import OF_BENCHMARKS, benchmark_stage, during_training
from .checks import base_tokenizer, check_data, held_out, lengths
from .export import export_groups
from .formats.rows import is_hub_id
from .groups import read_groups, write_groups
from .method import Method, ObserverMethod
from .methods import method_name
from .processes import is_first, several
from .progress import TrainingProgress
from .settings import Settings, build
from .society import make_population, make_worlds, simulation_summary, what_is_said
from .sources import read_sources, source_files
from .stages import (
    Summary,
    Work,
    file_hash,
    is_complete,
    run_stage,
    weights_hash,
    write_json,
)
from .validation import measure_lengths

Stage = Callable[[Settings, Console, tracking.Run], Summary]


def simulate_stage(settings: Settings, console: Console, run: tracking.Run) -> Summary:
    """Play the worlds; writes `simulation/interactions.jsonl`."""
    made_with = {
        "seed": settings.seed,
        "n_worlds": settings.n_worlds,
        "questions": _input(settings.questions, "questions"),
        "priors": _priors_input(settings.priors),
        "env": asdict(settings.env),
        "policy": what_is_said(settings.policy),
        "observer": what_is_said(settings.observer),
        "embedder": what_is_said(settings.embedder),
        "population": [what_is_said(entry) for entry in settings.population or ()],
    }

    def prepare() -> Work:
        worlds, population = make_worlds(settings), make_population(settings)
        return lambda folder: simulation_summary(
            simulate(
                worlds,
                population,
                folder,
                on_interaction=tracking.live_costs(run),
                budget=settings.budget,
                progress=settings.progress,
            )
        )

    summary = _stage(settings, console, "simulation", made_with, prepare)
    interactions = read_interactions(settings.output_dir / "simulation" / INTERACTIONS)
    with _logged_once(settings, "simulation", run, []) as to:
        tracking.log_simulation(
            to, interactions, summary, first=settings.cycle * settings.env.n_rounds
        )
    report.print_rounds(console, interactions)
    report.print_simulation(console, summary)
    return summary


def data_stage(settings: Settings, console: Console, run: tracking.Run) -> Summary:
    """Turn interactions into rated groups; writes `data/groups.jsonl`."""
    own = None
    if settings.data.takes_own_interactions:
        own = settings.interactions or _output(settings, "simulation", INTERACTIONS, "simulate")
    config = settings.data.with_sources()
    files = source_files(config, own)
    made_with: dict[str, Any] = {"data": settings.data.made_with()}
    if settings.data.sources is None:
        made_with["interactions"] = _input(own, "interactions")
    else:
        made_with["files"] = [f if is_hub_id(f) else _input(f, "data.sources") for f in files]

    def prepare() -> Work:
        groups, sources = read_sources(config, own)
        checked = check_data(groups, settings, f"data: {', '.join(files)}")
        checked["lengths"] = lengths(groups, settings)

        def work(folder: Path) -> Summary:
            write_groups(folder / "groups.jsonl", groups)
            told = {"sources": [source.summary() for source in sources], **checked}
            write_json(folder / "report.json", told)
            return {
                "groups": dict(Counter(group.kind for group in groups)),
                "candidates": sum(len(group.candidates) for group in groups),
            }

        return work

    summary = _stage(settings, console, "data", made_with, prepare)
    local = [("interactions", Path(file)) for file in files if not is_hub_id(file)]
    with _logged_once(settings, "data", run, local) as to:
        groups = read_groups(settings.output_dir / "data" / "groups.jsonl")
        tracking.log_data(to, groups, settings.cycle)
    report.print_data(console, summary)
    data_report.print_report(console, _json(settings.output_dir / "data" / "report.json") or {})
    return summary


def export_stage(settings: Settings, console: Console, run: tracking.Run) -> Summary:
    """Write the groups as a data set; quick, and therefore always done anew."""
    source = _groups_file(settings, console, run)
    config = settings.export
    default = settings.output_dir / "export" / f"{config.to}-{config.format}"
    folder = config.folder or default
    rows = export_groups(read_groups(source), config, folder, source.name)
    console.print(f"[bold]export[/]: {folder}", soft_wrap=True)
    console.print("  " + ", ".join(f"{count} rows in {split}" for split, count in rows.items()))
    return {"export": str(folder), "rows": rows}


def align_stage(settings: Settings, console: Console, run: tracking.Run) -> Summary:
    """Align the base model on the groups; writes `alignment/model`."""
    source = _groups_file(settings, console, run)
    method = settings.method
    made_with: dict[str, Any] = {
        "method": {"name": method_name(method), **asdict(method)},
        "groups": _input(source, "groups"),
    }
    if not isinstance(method, Method):
        return _fit_observer(settings, method, source, made_with, console, run)
    made_with["base_model"] = settings.base_model
    if settings.chat_template is not None:
        made_with["chat_template"] = _input(settings.chat_template, "chat_template")
    if method.asks_observer:
        made_with["observer"] = what_is_said(settings.observer)

    def prepare() -> Work:
        groups = read_groups(source)
        checked = check_data(groups, settings, f"groups: {source}", _data_report(settings))
        tokenizer = base_tokenizer(settings)
        checked["lengths"] = measure_lengths(groups, tokenizer, method.max_length)
        if settings.groups is not None:
            data_report.print_report(console, checked)

        import torch
        from transformers import AutoModelForCausalLM

        from .training import train

        # What is wrong with the data is said before a model is loaded.
        method.select(groups)
        base = settings.base_model
        # Frozen weights under LoRA stay as they are on disk.
        dtype: Any = torch.float32 if method.lora is None else "auto"
        model = load(AutoModelForCausalLM, base, "base_model", dtype=dtype)
        observer = None
        if method.asks_observer:
            observer = as_policy(build(settings.observer, "observer"))
        callbacks: list[Any] = [tracking.WandbMetrics(run)]
        if settings.progress:
            callbacks.append(TrainingProgress(console))
        callbacks += during_training(settings, run)

        def work(folder: Path) -> Summary:
            write_json(folder / "data_report.json", checked)
            trained = train(
                model,
                tokenizer,
                groups,
                method,
                folder,
                callbacks,
                progress=False,
                observer=observer,
            )
            summary = asdict(trained)
            write_json(folder / "log.json", summary.pop("log"))
            return summary

        return work

    summary = _stage(settings, console, "alignment", made_with, prepare)
    # With the optimiser's state they are three times the model; the stage is complete.
    if is_first():
        shutil.rmtree(settings.output_dir / "alignment" / "checkpoints", ignore_errors=True)
    with _logged_once(settings, "alignment", run, [("groups", source)]):
        pass  # its metrics were sent step by step
    report.print_training(console, summary)
    return summary


def _fit_observer(
    settings: Settings,
    method: ObserverMethod,
    source: Path,
    made_with: Mapping[str, Any],
    console: Console,
    run: tracking.Run,
) -> Summary:
    """The stage of a method that trains an observer; writes `alignment/model`."""

    def prepare() -> Work:
        groups = read_groups(source)
        checked = check_data(groups, settings, f"groups: {source}", _data_report(settings))

        def work(folder: Path) -> Summary:
            write_json(folder / "data_report.json", checked)
            with console.status(f"{method_name(method)}: trained on {len(groups)} groups"):
                return method.fit(groups, folder)

        return work

    summary = _stage(settings, console, "alignment", made_with, prepare)
    with _logged_once(settings, "alignment", run, [("groups", source)]) as to:
        tracking.log_observer(to, summary)
    report.print_observer(console, summary, settings.output_dir / "alignment" / "model")
    return summary


def evaluate_stage(settings: Settings, console: Console, run: tracking.Run) -> Summary:
    """Compare the aligned with the base model; writes `evaluation/results.json`.

    With `evaluate.benchmarks` the model goes through these instead; see `benchmark_stage`.
    """
    model = settings.evaluate.model
    if model is None:
        if not isinstance(settings.method, Method):
            raise UserError(
                f"method={method_name(settings.method)} trains an observer and no model that "
                "answers: evaluate.model names another one"
            )
        _output(settings, "alignment", "model/config.json", "align")
        model = str(settings.output_dir / "alignment" / "model")
    if settings.evaluate.benchmarks is not None:
        summary = benchmark_stage(settings, console, model)
        with _logged_once(settings, "benchmarks", run, [("model", Path(model))]) as to:
            tracking.log_benchmarks(to, summary["benchmarks"], settings.cycle)
        return summary
    answered_with = asdict(settings.evaluate)
    for other in ("model", "engagement_weight", "resamples", *OF_BENCHMARKS):
        del answered_with[other]
    measured_with = {
        "evaluate": answered_with,
        "observer": what_is_said(settings.observer),
        "questions": _input(settings.evaluate.questions, "evaluate.questions"),
    }
    pairs = settings.evaluate.pairs
    if pairs is not None and not is_hub_id(pairs):
        measured_with["pairs"] = _input(pairs, "evaluate.pairs")
    made_with = measured_with | {
        "evaluate": {k: v for k, v in asdict(settings.evaluate).items() if k not in OF_BENCHMARKS}
        | {"model": model},
        "base_model": settings.base_model,
        "weights": weights_hash(model),
    }

    def prepare() -> Work:
        from .evaluate import answer_rows, compare, measure, read_choices, words_per_answer
        from .measured import measured_once

        questions = held_out(settings)
        observer = as_policy(build(settings.observer, "observer"))
        choices = read_choices(pairs) if pairs else []

        def work(folder: Path) -> Summary:
            measured = {}
            for name, which in {"base": settings.base_model, "aligned": model}.items():
                of_it = measured_with | {"model": which, "weights": weights_hash(which)}
                answering = partial(measure, which, questions, observer, settings.evaluate, choices)
                with console.status(f"evaluate: {name} model answers {len(questions)} questions"):
                    measured[name] = measured_once(settings.shared_dir, of_it, answering)
            rows = answer_rows(questions, measured)
            lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
            (folder / "answers.jsonl").write_text("".join(lines), encoding="utf-8")
            table = compare(measured["base"], measured["aligned"], settings.evaluate)
            summary = {
                "questions": len(questions),
                "rating_scale": settings.evaluate.rating_scale,
                "table": {
                    name: {column: e and asdict(e) for column, e in row.items()}
                    for name, row in table.items()
                },
                "words_per_answer": {n: words_per_answer(m) for n, m in measured.items()},
            }
            write_json(folder / "results.json", summary)
            return summary

        return work

    summary = _stage(settings, console, "evaluation", made_with, prepare)
    with _logged_once(settings, "evaluation", run, [("model", Path(model))]) as to:
        answers = _lines(settings.output_dir / "evaluation" / "answers.jsonl")
        tracking.log_evaluation(
            to, summary["table"], answers, summary["rating_scale"], settings.cycle
        )
    report.print_evaluation(console, summary)
    return summary


def figures_stage(settings: Settings, console: Console, run: tracking.Run) -> Summary:
    """Draw what there is; writes `figures/`. Quick, and therefore always done anew."""
    from .figures import plot_histograms, plot_run, rating_scale

    folder = settings.output_dir
    source = settings.interactions or folder / "simulation" / INTERACTIONS
    interactions = read_interactions(source) if source.exists() else []
    results = _json(folder / "evaluation" / "results.json") or {}
    paths = plot_run(
        folder / "figures",
        interactions,
        _json(folder / "alignment" / "log.json") or [],
        results,
    )
    counted = histograms.of_society(interactions, rating_scale(interactions))
    if results:
        answers = _lines(folder / "evaluation" / "answers.jsonl")
        counted |= histograms.of_answers(answers, results["rating_scale"])
    paths += plot_histograms(folder / "figures", counted)
    if not paths:
        raise UserError(f"output_dir: nothing to draw in {folder}: simulate, align or evaluate")
    return {"figures": [str(path) for path in paths]}


def run_all(settings: Settings, console: Console, run: tracking.Run) -> Summary:
    """The main job; writes `metrics.json` with the summary of every stage."""
    summary: Summary = {}
    if settings.interactions is None and settings.data.takes_own_interactions:
        summary["simulation"] = simulate_stage(settings, console, run)
    if settings.groups is None:
        summary["data"] = data_stage(settings, console, run)
    summary["alignment"] = align_stage(settings, console, run)
    if isinstance(settings.method, Method) or settings.evaluate.model is not None:
        summary["evaluation"] = evaluate_stage(settings, console, run)
    summary |= figures_stage(settings, console, run)
    write_json(settings.output_dir / "metrics.json", summary)
    report.print_files(console, settings.output_dir)
    return summary


def _stage(
    settings: Settings,
    console: Console,
    name: str,
    made_with: Mapping[str, Any],
    prepare: Callable[[], Work],
) -> Summary:
    return run_stage(
        settings.output_dir / name,
        made_with,
        prepare,
        overwrite=settings.overwrite,
        console=console,
    )


def _groups_file(settings: Settings, console: Console, run: tracking.Run) -> Path:
    """The groups that are given, or those of the data stage, which is done where it is not."""
    if settings.groups is not None:
        return settings.groups
    if not is_complete(settings.output_dir / "data"):
        if several():
            raise UserError(
                f"output_dir: {settings.output_dir / 'data'} is not complete, and several "
                "processes cannot make it together: social-sandbox data first"
            )
        data_stage(settings, console, run)
    return _output(settings, "data", "groups.jsonl", "data")


@contextmanager
def _logged_once(
    settings: Settings, stage: str, run: tracking.Run, sources: Sequence[tuple[str, Path]]
) -> Iterator[tracking.Run]:
    """The run to log a stage to; None if it has it already. The stage's files follow."""
    folder = settings.output_dir / stage
    yield None if tracking.is_logged(run, folder) else run
    tracking.log_files(run, folder, sources, settings.wandb.log_model)


def _output(settings: Settings, stage: str, file: str, command: str) -> Path:
    """A file of an earlier stage, which must be complete."""
    folder = settings.output_dir / stage
    if not is_complete(folder):
        raise UserError(f"output_dir: {folder} is not complete: social-sandbox {command} first")
    return folder / file


def _data_report(settings: Settings) -> dict[str, Any] | None:
    """What the run's own data stage found; None where there is none."""
    return _json(settings.output_dir / "data" / "report.json")


def _input(path: str | Path | None, setting: str) -> str | None:
    """What stands for an input file in a stage's record: the hash of what is in it."""
    if path is None:
        return None
    try:
        return file_hash(Path(path))
    except OSError as error:
        raise UserError(f"{setting}: cannot read {path}: {error.strerror}") from error


def _priors_input(source: str | None) -> str | None:
    """The hash of a file, or the id of a dataset."""
    return source if source and not Path(source).exists() else _input(source, "priors")


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


COMMANDS: dict[str, Stage] = {
    "run": run_all,
    "simulate": simulate_stage,
    "data": data_stage,
    "export": export_stage,
    "align": align_stage,
    "evaluate": evaluate_stage,
    "figures": figures_stage,
}
