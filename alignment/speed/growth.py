"""How the stages grow: time and memory of an interaction in societies of growing size.

Each stage runs in a process of its own with scripted players, at sizes ten times apart. What is
measured is a further interaction: the difference between two sizes, without what every start costs.
Time is processor time, which other work on the machine changes little.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time

from social_sandbox.envs import World, WorldConfig
from social_sandbox.envs.errors import UserError
from social_sandbox.policies.scripted import ScriptedPolicy
from social_sandbox.policies.society.log import INTERACTIONS
from social_sandbox.policies.society.simulate import simulate

from ..runtime.peak_memory import peak_bytes, reset_peak
from .measure import Goal, Measurement, Missing, Row

SECTION = "growth"
SMALLEST, FEW, MANY = 1_000, 10_000, 100_000
"""The smallest society, and the largest one of a quick run and of another run."""

SIDE = 10
"""Side of the grid: a round has a hundred interactions."""

UTTERANCES = 10
"""Utterances of an interaction, which set how long a resume takes."""

_TIMES, _KIB, _RESUME = 1.5, 4.0, 60.0
"""Goals: growth of the time, KiB of memory, and seconds for a million utterances."""

_SHORTEST = 1e-5
"""Seconds of an interaction below which a ratio would be that of the starts."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a stage costs: seconds of processor time, and bytes of memory above those before it."""

    seconds: float
    memory: int


def measurements(
    quick: bool, largest: int | None = None, say: Callable[[str], None] = lambda text: None
) -> list[Row]:
    """Measure each stage at every size.

    Args:
        quick: Whether the largest society has 10,000 interactions instead of 100,000.
        largest: The number of interactions of the largest society; None leaves it to `quick`.
        say: Is told the cost of each stage, since the largest society takes an hour.

    Raises:
        UserError: A stage fails.
    """
    largest = largest or (FEW if quick else MANY)
    sizes = [SMALLEST]
    while sizes[-1] * 10 <= largest:
        sizes.append(sizes[-1] * 10)
    costs = {size: _costs(size, say) for size in sizes}
    rows: list[Row] = []
    for stage in STAGES:
        each = {
            many: _further(costs[few][stage], costs[many][stage], many - few)
            for few, many in pairwise(sizes)
        }
        for size, (seconds, kib) in each.items():
            named = f"{stage}, {size:,} interactions"
            rows.append(Measurement(SECTION, f"{named}: time of one", seconds * 1e3, "ms"))
            bound = Goal(_KIB, at_least=False)
            rows.append(Measurement(SECTION, f"{named}: memory of one", kib, "KiB", bound))
        if FEW in each and sizes[-1] > FEW:
            name = f"{stage}: time of one of {sizes[-1]:,} / of {FEW:,}"
            rows.append(_ratio(name, each[sizes[-1]][0], each[FEW][0]))
        if stage == "resume" and each:
            seconds = each[sizes[-1]][0] * 1e6 / UTTERANCES
            name = f"resume: a million utterances, from {sizes[-1]:,} interactions"
            rows.append(Measurement(SECTION, name, seconds, "s", Goal(_RESUME, at_least=False)))
    return rows


def _ratio(name: str, more: float, less: float) -> Row:
    if less < _SHORTEST:
        why = f"one of {FEW:,} takes less than {_SHORTEST * 1e6:.0f} microseconds"
        return Missing(SECTION, name, why)
    return Measurement(SECTION, name, more / less, "x", Goal(_TIMES, at_least=False))


def _further(less: Cost, more: Cost, interactions: int) -> tuple[float, float]:
    """Return the seconds and the KiB of a further interaction."""
    seconds = max(0.0, more.seconds - less.seconds) / interactions
    return seconds, max(0.0, (more.memory - less.memory) / 1024 / interactions)


def _costs(size: int, say: Callable[[str], None]) -> dict[str, Cost]:
    """Return the cost of each stage of one run."""
    costs = {}
    with TemporaryDirectory() as folder:
        for stage in STAGES:
            command = [sys.executable, "-m", __name__, stage, folder, str(size)]
            done = subprocess.run(command, capture_output=True, text=True, env=_one_thread())
            if done.returncode:
                last = (done.stderr.strip() or "no word").split("\n")[-1]
                raise UserError(f"bench: {stage} of {size:,} interactions failed: {last}")
            cost = costs[stage] = Cost(**json.loads(done.stdout.strip().split("\n")[-1]))
            mib = cost.memory / 2**20
            say(f"{stage} of {size:,} interactions: {cost.seconds:.1f} s, {mib:,.0f} MiB")
    return costs


def _one_thread() -> dict[str, str]:
    """Return the environment of a stage: threads of matrix products that wait count as work."""
    return {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def _play(run: Path, size: int) -> None:
    rules = WorldConfig(grid_size=SIDE, n_rounds=-(-size // SIDE**2))
    simulate([World(rules, seed=0)], ScriptedPolicy(), run / "simulation")


def _data(run: Path, size: int) -> None:
    from ..data.config import DataConfig
    from ..data.groups import write_groups
    from ..data.sources import read_sources

    groups, _ = read_sources(DataConfig().with_sources(), run / "simulation" / INTERACTIONS)
    write_groups(run / "data" / "groups.jsonl", groups)


def _export(run: Path, size: int) -> None:
    from ..data.export import ExportConfig, export_groups
    from ..data.storage.stored import open_groups

    groups = open_groups(run / "data" / "groups.jsonl")
    export_groups(groups, ExportConfig(), run / "export", "groups.jsonl")


def _prepare(run: Path, size: int) -> None:
    from ..data.storage.stored import open_groups
    from ..methods.dpo import Dpo
    from ..methods.stable_alignment import StableAlignment

    groups = open_groups(run / "data" / "groups.jsonl")
    for method in (StableAlignment(), Dpo()):
        for _ in method.select(groups).examples:
            pass


def _figures(run: Path, size: int) -> None:
    from ..reporting import histograms
    from ..reporting.drawn import read_drawn
    from ..reporting.figures import plot_histograms, plot_run

    interactions = read_drawn(run / "simulation" / INTERACTIONS, texts=False)
    plot_run(run / "figures", interactions, [], {})
    plot_histograms(run / "figures", histograms.of_society(interactions, 7))


def _page(run: Path, size: int) -> None:
    from ..reporting.page.write import write_page

    write_page([run])


STAGES: dict[str, Callable[[Path, int], None]] = {
    "simulate": _play,
    "resume": _play,
    "data": _data,
    "export": _export,
    "align's preparation": _prepare,
    "figures": _figures,
    "page": _page,
}
"""The stages, each of which reads what those before it have written."""


def main(stage: str, run: str, size: str) -> None:
    """Run one stage, and print its cost in JSON."""
    reset_peak()
    before, start = peak_bytes("cpu"), process_time()
    STAGES[stage](Path(run), int(size))
    seconds = process_time() - start
    print(json.dumps({"seconds": seconds, "memory": max(0, peak_bytes("cpu") - before)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
