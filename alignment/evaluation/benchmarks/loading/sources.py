"""Where the rows of a benchmark come from: a file in a folder, or a data set on the hub."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from social_sandbox.envs.errors import UserError

from ....data.formats.rows import read_rows
from ..registry import Benchmark

Rows = Iterable[tuple[str, Mapping[str, Any]]]
"""Rows, each with its place in words for error messages."""


def find_file(benchmark: Benchmark, data_dir: str) -> Path | None:
    """Return the file of a benchmark in a folder, or None where the folder has none."""
    for name in (benchmark.file, benchmark.also):
        if name and (Path(data_dir) / name).is_file():
            return Path(data_dir) / name
    return None


def read_benchmark(benchmark: Benchmark, data_dir: str | None) -> Rows:
    """Return the rows of a benchmark.

    Args:
        benchmark: Benchmark to read.
        data_dir: Folder that has the file; None for the hub.

    Raises:
        UserError: The data cannot be read; names the row, or says how to get the data.
    """
    what = f"evaluate.benchmarks: {benchmark.name}"
    if data_dir is not None:
        if not Path(data_dir).is_dir():
            raise UserError(f"evaluate.data_dir: no such folder: {data_dir}")
        file = find_file(benchmark, data_dir)
        if file is None:
            raise UserError(f"{what}: no {benchmark.file} in {data_dir}: {benchmark.how}")
        return read_rows(str(file), what)
    if benchmark.hub is None:
        raise UserError(
            f"{what}: evaluate.data_dir must name a folder with {benchmark.file}: {benchmark.how}"
        )
    return _hub_rows(benchmark, what)


def _hub_rows(benchmark: Benchmark, what: str) -> Rows:
    from datasets import load_dataset

    try:
        rows = load_dataset(
            benchmark.hub, benchmark.subset, data_dir=benchmark.data_dir, split=benchmark.split
        )
    except Exception as error:
        reason = str(error).split("\n")[0]
        raise UserError(
            f"{what}: cannot load {benchmark.hub} from the hub ({reason}); evaluate.data_dir "
            f"takes a folder with {benchmark.file}: {benchmark.how}"
        ) from error
    for number, row in enumerate(rows, start=1):
        yield f"{what}: {benchmark.hub}, row {number}", row
