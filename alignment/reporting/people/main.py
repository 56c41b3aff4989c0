"""The command `social-sandbox rate report`."""

import argparse
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from social_sandbox.envs.text.jsonl import write_whole
from social_sandbox.policies.terminal import Terminal

from ...evaluation.benchmarks.items import ITEMS, result_log
from ...evaluation.benchmarks.results.estimates import Estimates
from ...evaluation.benchmarks.results.figure import plot
from ...evaluation.people.judges import Verdicts, verdicts_of
from ...evaluation.people.results import Results, Studies, read_studies, results_of
from ...runtime.arguments import ArgumentParser, share_up_to
from ...runtime.stage import make_folder, write_json
from ..tracking import rows as wandb_rows
from ..tracking.config import WandbConfig
from ..tracking.run import tracked
from .estimates import agreement, estimates_by_model
from .tables import markdown, print_results

REPORT = "report.json"

DESCRIPTION = """\
What people judged: how often one model is preferred to another, with intervals by questions;
Bradley-Terry scores; ratings; how far the raters agree with one another and with themselves; and
how far the observer, and the judge of benchmarks, agree with people."""


def main(arguments: Sequence[str]) -> None:
    """Print the report, and write it as JSON, Markdown and a figure.

    Raises:
        UserError: A folder has no study, a file is damaged, or an option is wrong.
    """
    options = _parser().parse_intermixed_args(arguments)
    studies = read_studies(options.folders)
    judges = read_judges(studies)
    results = results_of(studies, judges, options.exclude_below, options.resamples, options.seed)
    folder = options.output or studies.folders[0]
    make_folder(folder, "--output")
    console = Terminal(highlight=False)
    print_results(console, results)
    written = [folder / REPORT, folder / "report.md"]
    write_json(written[0], asdict(results))
    write_whole(written[1], markdown(results))
    estimates = estimates_by_model(results)
    if estimates:
        written.append(_figure(options.output, studies) / "people.png")
        plot(written[-1], _in_words(estimates))
    console.print()
    for path in written:
        console.print(str(path), soft_wrap=True)
    _log(studies, results, WandbConfig(mode=options.wandb))


def read_judges(studies: Studies) -> dict[str, Verdicts]:
    """Return the verdicts of the judge in the benchmark results of each run, by name."""
    judges: dict[str, Verdicts] = {}
    for run in studies.runs:
        folder = run / "benchmarks"
        if not (folder / ITEMS).is_file():
            continue
        verdicts = verdicts_of(result_log(folder / ITEMS).read())
        if verdicts:
            name = _judge_name(folder / "results.json")
            judges[name] = {**judges.get(name, {}), **verdicts}
    return judges


def _judge_name(path: Path) -> str:
    """Return the name of the judge of a benchmark's results: its model, or its class."""
    try:
        recipe = json.loads(path.read_text(encoding="utf-8"))["made_with"]["judge"]
        name = recipe.get("model") or recipe["_target_"].rpartition(".")[2]
        return str(name)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return "of the benchmarks"


def _figure(output: Path | None, studies: Studies) -> Path:
    """Return the folder of the figure: beside the other figures of the run."""
    return output or studies.runs[0] / "figures"


def _in_words(estimates: Mapping[str, Estimates]) -> dict[str, Estimates]:
    """Return the estimates under names that make a sentence behind the word people."""
    verbs = {"preferred to": "prefer it to", "alignment": "rate its alignment"}
    verbs["engagement"] = "rate its engagement"
    return {
        model: {
            name: {_renamed(metric, verbs): estimate for metric, estimate in metrics.items()}
            for name, metrics in of_model.items()
        }
        for model, of_model in estimates.items()
    }


def _renamed(metric: str, verbs: Mapping[str, str]) -> str:
    start = next(start for start in verbs if metric.startswith(start))
    return verbs[start] + metric.removeprefix(start)


def _log(studies: Studies, results: Results, config: WandbConfig) -> None:
    run_folder = studies.runs[0]
    said = json.dumps([str(folder.resolve()) for folder in studies.folders])
    identity = hashlib.sha256(said.encode()).hexdigest()[:12]
    settings: Mapping[str, Any] = {"folders": list(results.folders)}
    with tracked(run_folder, config, settings, "rate report", identity) as run:
        wandb_rows.log_benchmarks(run, _flat(results))
        if run is not None:
            row = {f"eval/people/{name}": value for name, value in agreement(results).items()}
            run.log({**row, "eval/people/judgements": results.judgements, "eval/cycle": 0})


def _flat(results: Results) -> dict[str, dict[str, Any]]:
    """Return the estimates under names that have the model's name too."""
    return {
        f"people/{model}": {
            metric.replace(" ", "_"): estimate
            for metrics in estimates.values()
            for metric, estimate in metrics.items()
        }
        for model, estimates in estimates_by_model(results).items()
    }


def _parser() -> argparse.ArgumentParser:
    parser = ArgumentParser(
        line="{}; see social-sandbox rate report --help".format,
        prog="social-sandbox rate report",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add(
        "folders",
        nargs="+",
        type=Path,
        metavar="FOLDER",
        help="folder that was rated, or the folder of a study (people/)",
    )
    add(
        "--exclude-below",
        type=share_up_to(1),
        metavar="SHARE",
        help="leave out raters who passed a smaller share of their attention checks, such as 0.8 "
        "(default: nobody is left out)",
    )
    add(
        "--output",
        type=Path,
        metavar="FOLDER",
        help="folder of report.json, report.md and people.png (default: people/ of the first "
        "FOLDER, and the figure in its figures/)",
    )
    add("--resamples", type=_number, default=2000, help="of the bootstrap (default: %(default)s)")
    add("--seed", type=int, default=0, help="seed of the bootstrap (default: %(default)s)")
    add(
        "--wandb",
        choices=("auto", "online", "offline", "disabled"),
        default="auto",
        help="whether the results go to Weights & Biases (default: auto, if there is a key)",
    )
    return parser


def _number(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 1_000_000:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 to 1000000")
    return int(text)
