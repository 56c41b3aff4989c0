"""One simulation out of its shards: `social-sandbox merge FOLDERS [output_dir=FOLDER]`."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.rules.interactions import read_interactions
from social_sandbox.policies.society.engines.merge import merge_shards, world_sums
from social_sandbox.policies.society.lock import locked
from social_sandbox.policies.society.log import INTERACTIONS, LOG
from social_sandbox.policies.terminal import Terminal

from ...evaluation.society import simulation_summary
from ...reporting import console as report
from ...runtime.arguments import ArgumentParser
from ...runtime.attempts import ATTEMPTS
from ...runtime.recipes import comparable
from ...runtime.stage import (
    Summary,
    Work,
    difference,
    extend_record,
    is_complete,
    read_record,
    run_stage,
)
from ...runtime.tables import print_path
from .shards import parts_of

STAGE = "simulation"
OUTPUT_DIR = "runs/default"
"""Where all commands write unless they are told otherwise."""


@dataclass(frozen=True)
class Shard:
    """The finished simulation of a shard.

    Attributes:
        folder: The output folder that the shard was given.
        number: Number of the shard, from 1.
        count: Number of shards.
        settings: What the simulation was made with, except the shard.
        attempts: Who worked on it when.
    """

    folder: Path
    number: int
    count: int
    settings: dict[str, Any]
    attempts: list[dict[str, Any]]

    def __str__(self) -> str:
        """Return the shard's name and folder."""
        return f"shard {self.number}/{self.count} ({self.folder})"


def main(arguments: Sequence[str]) -> None:
    """Merge the folders that a command line names."""
    parser = ArgumentParser(
        prog="social-sandbox merge",
        usage="social-sandbox merge FOLDER FOLDER ... [output_dir=FOLDER]",
        description="Make one simulation out of the shards that simulate shard=1/8 to shard=8/8 "
        "have played, each in an output_dir of its own. The shards stay as they are.",
    )
    parser.add_argument(
        "words",
        nargs="+",
        metavar="FOLDER",
        help=f"output_dir of a shard; output_dir=FOLDER says where to write ({OUTPUT_DIR})",
    )
    words = parser.parse_args(arguments).words
    given = [word.partition("=")[2] for word in words if word.startswith("output_dir=")]
    folders = [Path(word).expanduser() for word in words if not word.startswith("output_dir=")]
    for folder in folders:
        if "=" in str(folder) and not folder.exists():
            raise UserError(f"merge: {folder} is no folder, and the only setting is output_dir")
    if given and not given[-1]:
        raise UserError("output_dir: names no folder")
    if not folders:
        raise UserError("merge: needs the folders of the shards")
    output_dir = Path(given[-1] if given else OUTPUT_DIR).expanduser()
    console = Terminal()
    summary = merge(folders, output_dir, console)
    report.print_simulation(console, summary)


def merge(folders: Sequence[Path], output_dir: Path, console: Console) -> Summary:
    """Make one simulation out of its shards, as if one process had played all worlds.

    Args:
        folders: The output folders of all shards, in any order.
        output_dir: Where the simulation is written; other stages go on from there.
        console: Where progress is printed.

    Returns:
        The summary of the simulation.

    Raises:
        UserError: A shard is missing, unfinished, damaged, of another run or there twice, or
            `output_dir` holds something else.
    """
    with ExitStack() as locks:
        for folder in dict.fromkeys(path.resolve() for path in folders):
            # Nobody may go on with a shard meanwhile.
            if (folder / STAGE).is_dir():
                locks.enter_context(locked(folder, "merge", "merge"))
        shards = [read_shard(folder) for folder in folders]
        check_shards(shards)
        print_path(console, "output", output_dir)
        locks.enter_context(locked(output_dir, "merge"))
        return _merge(shards, output_dir, console)


def _merge(shards: Sequence[Shard], output_dir: Path, console: Console) -> Summary:
    shards = sorted(shards, key=lambda shard: shard.number)
    target = output_dir / STAGE
    if (target / LOG).exists() and not is_complete(target):
        raise UserError(
            f"output_dir: {target} holds a simulation that is not finished; choose another "
            "output_dir"
        )

    def prepare() -> Work[None]:
        def work(folder: Path) -> tuple[Summary, None]:
            merge_shards([shard.folder / STAGE for shard in shards], folder)
            return simulation_summary(read_interactions(folder / INTERACTIONS)), None

        return work

    summary, _ = run_stage(target, shards[0].settings, prepare, overwrite=False, console=console)
    attempts = {f"{each.number}/{each.count}": each.attempts for each in shards}
    extend_record(target, {"shards": attempts})
    return summary


def read_shard(folder: Path) -> Shard:
    """Return the finished simulation of a shard.

    Raises:
        UserError: The folder holds none.
    """
    record = read_record(folder / STAGE)
    if record is None:
        there = folder.is_dir()
        raise UserError(
            f"merge: {folder} " + ("holds no simulation" if there else "does not exist")
        )
    settings = dict(comparable(record["settings"]))
    shard = settings.pop("shard", None)
    if shard is None:
        raise UserError(
            f"merge: {folder} holds a whole simulation and no shard, which simulate shard=1/8 makes"
        )
    if not record["complete"]:
        raise UserError(
            f"merge: shard {shard} ({folder}) is not finished; the command that began it goes on"
        )
    number, count = parts_of(shard)
    return Shard(folder, number, count, settings, record.get(ATTEMPTS, []))


def check_shards(shards: Sequence[Shard]) -> None:
    """Raise UserError unless these are all shards of one simulation, each of them once."""
    first = shards[0]
    by_number: dict[int, Shard] = {}
    for shard in shards:
        if shard.count != first.count:
            raise UserError(f"merge: {shard} and {first} are of different divisions")
        if shard.settings != first.settings:
            raise UserError(
                f"merge: {shard} was made with other settings than {first} "
                f"({difference(first.settings, shard.settings)})"
            )
        other = by_number.setdefault(shard.number, shard)
        if other is not shard:
            equal = world_sums(shard.folder / STAGE) == world_sums(other.folder / STAGE)
            how = "byte for byte the same" if equal else "and they differ"
            raise UserError(
                f"merge: shard {shard.number}/{shard.count} is there twice, in {other.folder} and "
                f"in {shard.folder}, {how}; leave one out"
            )
    missing = [f"{n}/{first.count}" for n in range(1, first.count + 1) if n not in by_number]
    if missing:
        word = "shard" if len(missing) == 1 else "shards"
        raise UserError(f"merge: missing {word}: {', '.join(missing)}")
