"""The benchmarks: a YAML file each in `configs/benchmarks`, which is also a task of lm-eval."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Literal

from omegaconf import OmegaConf
from pydantic import ConfigDict, TypeAdapter

from social_sandbox.envs.errors import UserError


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A metric of a benchmark: the mean of a score over its items.

    Attributes:
        what: Meaning of the score, or the items of which the metric is the share.
        chance: Value that guessing gives; None where the value depends on the item or where there
            is no such value.
        all_of: Name of a score; the metric is then an exact match, 1 for a group whose items all
            have 1 in that score.
        better: Whether a higher or a lower value is better.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    what: str
    chance: float | None = None
    all_of: str | None = None
    better: Literal["higher", "lower"] = "higher"


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """A benchmark; the attributes are the fields under `metadata` of its YAML file.

    Attributes:
        name: Name of the YAML file.
        title: Full name.
        citation: Paper that introduced the benchmark.
        licence: Licence of the data.
        file: Name of the file in a `data_dir`.
        how: Where to get the file.
        loader: Name of the function in `loaders` that makes items of the rows; empty where the
            items are the project's own questions.
        metrics: Metrics by name, in the order of the table.
        also: Another name of the file.
        hub: Identifier of the data set on the hub; None where the hub does not have the data.
        subset: Configuration of the data set on the hub.
        data_dir: Folder of the data set on the hub.
        split: Split of the data set on the hub.
        answers: `rated`: a judge rates the model's answers; `refusals`: refusals are counted;
            `norms`: norms are checked, on the project's own questions; None: the model answers
            nothing.
        task: Task of lm-eval as the YAML file has it; None where nothing is scored by likelihood.
    """

    __pydantic_config__ = ConfigDict(extra="ignore")

    name: str
    title: str
    citation: str
    licence: str
    file: str
    how: str
    loader: str
    metrics: Mapping[str, Metric]
    also: str | None = None
    hub: str | None = None
    subset: str | None = None
    data_dir: str | None = None
    split: str = "test"
    answers: Literal["rated", "refusals", "norms"] | None = None
    task: dict[str, Any] | None = None


_FOLDER = files("social_sandbox.configs") / "benchmarks"
_BENCHMARK = TypeAdapter(Benchmark)


def installed() -> list[str]:
    """Return the names of all benchmarks."""
    files_here = (entry.name for entry in _FOLDER.iterdir())
    return sorted(name.removesuffix(".yaml") for name in files_here if name.endswith(".yaml"))


def with_data() -> list[str]:
    """Return the names of the benchmarks that have data of their own, as files or on the hub."""
    return [benchmark.name for benchmark in map(_read, installed()) if benchmark.loader]


def find_benchmarks(names: Sequence[str], setting: str = "evaluate.benchmarks") -> list[Benchmark]:
    """Return benchmarks by name, each once.

    Args:
        names: Names of benchmarks.
        setting: Setting that holds the names, for error messages.

    Raises:
        UserError: There is no benchmark of this name.
    """
    available = installed()
    for name in names:
        if name not in available:
            listed = ", ".join(available)
            raise UserError(f"{setting}: no benchmark is named {name!r}; there are {listed}")
    return [_read(name) for name in dict.fromkeys(names)]


def _read(name: str) -> Benchmark:
    task: Any = OmegaConf.to_container(
        OmegaConf.create((_FOLDER / f"{name}.yaml").read_text(encoding="utf-8")), resolve=False
    )
    fields = task["metadata"] | {"name": name, "task": task if "doc_to_text" in task else None}
    return _BENCHMARK.validate_python(fields)
