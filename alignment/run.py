"""The main job: simulate -> data -> align -> evaluate -> figures. Each stage is a function.

Stages hand over files, never objects: any of them can be given a file that another program
wrote.
"""

import json
import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.interactions import read_interactions
from social_sandbox.envs.questions import Question, held_out_questions, read_questions
from social_sandbox.policies.adapt import as_policy
from social_sandbox.policies.shared_model import load
from social_sandbox.policies.simulate import INTERACTIONS, simulate

from . import report, tracking
from .data import build_groups
from .groups import read_groups, write_groups
from .methods import method_name
from .progress import TrainingProgress
from .settings import Settings, build
from .society import make_population, make_worlds, simulation_summary, what_is_said
from .stages import Summary, Work, file_hash, is_complete, run_stage, write_json

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
    tracking.log_simulation(run, interactions, summary)
    report.print_rounds(console, interactions)
    report.print_simulation(console, summary)
    return summary


def data_stage(settings: Settings, console: Console, run: tracking.Run) -> Summary:
    """Turn interactions into rated groups; writes `data/groups.jsonl`."""
    source = settings.interactions or _output(settings, "simulation", INTERACTIONS, "simulate")
    made_with = {"data": asdict(settings.data), "interactions": _input(source, "interactions")}

    def prepare() -> Work:
        interactions = read_interactions(source)
        groups = build_groups(interactions, settings.data)
        if not groups:
            raise UserError(f"data: {source} yields no training data: no answer was rated")

        def work(folder: Path) -> Summary:
            write_groups(folder / "groups.jsonl", groups)
            return {
                "interactions": len(interactions),
                "groups": dict(Counter(group.kind for group in groups)),
                "candidates": sum(len(group.candidates) for group in groups),
            }

        return work

    summary = _stage(settings, console, "data", made_with, prepare)
    report.print_data(console, summary)
    return summary


def align_stage(settings: Settings, console: Console, run: tracking.Run) -> Summary:
    """Align the base model on the groups; writes `alignment/model`."""
    if settings.groups is None and not is_complete(settings.output_dir / "data"):
        data_stage(settings, console, run)
    source = settings.groups or _output(settings, "data", "groups.jsonl", "data")
    made_with = {
        "method": {"name": method_name(settings.method), **asdict(settings.method)},
        "base_model": settings.base_model,
        "groups": _input(source, "groups"),
    }
    if settings.method.asks_observer:
        made_with["observer"] = what_is_said(settings.observer)

    def prepare() -> Work:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        from .training import train

        groups = read_groups(source)
        # What is wrong with the data is said before a model is loaded.
        settings.method.select(groups)
        base = settings.base_model
        tokenizer = load(AutoTokenizer, base, "base_model")
        # Frozen weights under LoRA stay as they are on disk.
        dtype: Any = torch.float32 if settings.method.lora is None else "auto"
        model = load(AutoModelForCausalLM, base, "base_model", dtype=dtype)
        observer = None
        if settings.method.asks_observer:
            observer = as_policy(build(settings.observer, "observer"))
        callbacks: list[Any] = [tracking.WandbMetrics(run)]
        if settings.progress:
            callbacks.append(TrainingProgress(console))

        def work(folder: Path) -> Summary:
            trained = train(
                model,
                tokenizer,
                groups,
                settings.method,
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
    shutil.rmtree(settings.output_dir / "alignment" / "checkpoints", ignore_errors=True)
    report.print_training(console, summary)
    return summary


def evaluate_stage(settings: Settings, console: Console, run: tracking.Run) -> Summary:
    """Compare the aligned with the base model; writes `evaluation/results.json`."""
    model = settings.evaluate.model
    if model is None:
        _output(settings, "alignment", "model/config.json", "align")
        model = str(settings.output_dir / "alignment" / "model")
    weights = Path(model) / "model.safetensors"
    made_with = {
        "evaluate": asdict(settings.evaluate) | {"model": model},
        "base_model": settings.base_model,
        "observer": what_is_said(settings.observer),
        "weights": file_hash(weights) if weights.exists() else None,
        "questions": _input(settings.evaluate.questions, "evaluate.questions"),
    }

    def prepare() -> Work:
        from .evaluate import answer_rows, compare, measure, words_per_answer

        questions = _held_out(settings)
        observer = as_policy(build(settings.observer, "observer"))

        def work(folder: Path) -> Summary:
            measured = {}
            for name, which in {"base": settings.base_model, "aligned": model}.items():
                with console.status(f"evaluate: {name} model answers {len(questions)} questions"):
                    measured[name] = measure(which, questions, observer, settings.evaluate)
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
    tracking.log_evaluation(run, summary["table"])
    report.print_evaluation(console, summary)
    return summary


def figures_stage(settings: Settings, console: Console, run: tracking.Run) -> Summary:
    """Draw what there is; writes `figures/*.png`. Quick, and therefore always done anew."""
    from .figures import plot_run

    folder = settings.output_dir
    interactions = settings.interactions or folder / "simulation" / INTERACTIONS
    results = _json(folder / "evaluation" / "results.json")
    paths = plot_run(
        folder / "figures",
        read_interactions(interactions) if interactions.exists() else [],
        _json(folder / "alignment" / "log.json") or [],
        results or {},
    )
    if not paths:
        raise UserError(f"output_dir: nothing to draw in {folder}: simulate, align or evaluate")
    return {"figures": [str(path) for path in paths]}


def run_all(settings: Settings, console: Console, run: tracking.Run) -> Summary:
    """The main job; writes `metrics.json` with the summary of every stage."""
    summary: Summary = {}
    if settings.interactions is None:
        summary["simulation"] = simulate_stage(settings, console, run)
    if settings.groups is None:
        summary["data"] = data_stage(settings, console, run)
    summary["alignment"] = align_stage(settings, console, run)
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


def _held_out(settings: Settings) -> Sequence[Question]:
    path = settings.evaluate.questions
    if path is None:
        return held_out_questions()
    questions = read_questions(path)
    # A file without the mark was made for this purpose; one with it holds the others as well.
    return [question for question in questions if question.held_out] or questions


def _output(settings: Settings, stage: str, file: str, command: str) -> Path:
    """A file of an earlier stage, which must be complete."""
    folder = settings.output_dir / stage
    if not is_complete(folder):
        raise UserError(f"output_dir: {folder} is not complete: social-sandbox {command} first")
    return folder / file


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


COMMANDS: dict[str, Stage] = {
    "run": run_all,
    "simulate": simulate_stage,
    "data": data_stage,
    "align": align_stage,
    "evaluate": evaluate_stage,
    "figures": figures_stage,
}
