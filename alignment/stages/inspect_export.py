"""What a run has recorded, as logs that Inspect's viewer and its Python interface read."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rich.text import Text

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.rules.interactions import read_interactions
from social_sandbox.policies.society.log import INTERACTIONS

from ..evaluation.benchmarks.items import ITEMS, by_place, result_log
from ..reporting.inspect_logs.log import check_installed, write_log
from ..runtime.stage import Summary, read_record
from .context import Context
from .inputs import read_json, read_rows


def export_logs(context: Context) -> Summary:
    """Write a log for each thing that there is: the society, held-out answers, benchmarks.

    `export.logs` chooses one of them; `interactions` names the file of another society.

    Returns:
        `export`, the folder, and `samples`, the number of samples of each log.

    Raises:
        UserError: inspect-ai is not installed, or there is nothing to write a log of.
    """
    config, console = context.settings.export, context.console
    check_installed()
    society = context.settings.interactions or context.stage_folder("simulation") / INTERACTIONS
    sources: dict[str, tuple[Path, Callable[[Context, Path], Any]]] = {
        "society": (society, _society),
        "held_out": (context.stage_folder("evaluation") / "answers.jsonl", _held_out),
        "benchmarks": (context.stage_folder("benchmarks") / ITEMS, _benchmarks),
    }
    wanted: list[str]
    if config.logs is not None:
        wanted = [config.logs]
    elif context.settings.interactions is not None:
        wanted = ["society"]
    else:
        wanted = [name for name, (path, _) in sources.items() if path.exists()]
    if not wanted:
        raise UserError(
            f"export.to=inspect: {context.output_dir} has no interactions, held-out answers or "
            "benchmarks: social-sandbox simulate first, or interactions=FILE"
        )
    folder = config.folder or context.stage_folder("export") / "inspect"
    if folder.is_file():
        raise UserError(f"export.folder: {folder} is a file")
    samples = {}
    with context.locked():
        for name in wanted:
            path, make = sources[name]
            if not path.exists():
                raise UserError(f"export.logs={name}: there is no {path}")
            log = make(context, path)
            write_log(log, folder / f"{name}.eval")
            samples[name] = len(log.samples)
    console.print(Text.assemble(("export", "bold"), f": {folder}"), soft_wrap=True)
    console.print("  " + ", ".join(f"{n} samples in {name}.eval" for name, n in samples.items()))
    console.print(f"  inspect view --log-dir {folder}", soft_wrap=True)
    return {"export": str(folder), "samples": samples}


def _society(context: Context, path: Path) -> Any:
    from ..reporting.inspect_logs.society import society_log

    interactions = read_interactions(path)
    if not interactions:
        raise UserError(f"interactions: {path} holds no interaction")
    return society_log(interactions, path, _made_with(path.parent))


def _held_out(context: Context, path: Path) -> Any:
    from ..reporting.inspect_logs.answers import held_out_log

    results = read_json(path.parent / "results.json") or {}
    metadata = {**_made_with(path.parent), "results": results}
    return held_out_log(read_rows(path, "output_dir"), path, metadata)


def _benchmarks(context: Context, path: Path) -> Any:
    from ..reporting.inspect_logs.answers import benchmarks_log

    results = read_json(path.parent / "results.json") or {}
    unused = {tuple(place) for place in results.get("unused", ())}
    items = [
        result for place, result in by_place(result_log(path).read()).items() if place not in unused
    ]
    return benchmarks_log(items, path, results, _made_with(path.parent))


def _made_with(folder: Path) -> Mapping[str, Any]:
    """Return the settings in the record of a stage, from which secrets were taken."""
    record = read_record(folder)
    return {"settings": record["settings"]} if record else {}
