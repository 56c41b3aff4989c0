"""What benchmarks there are: a YAML each in `configs/benchmarks`, a task of lm-eval at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Literal

from omegaconf import OmegaConf
from pydantic import ConfigDict, TypeAdapter

from social_sandbox.envs.errors import UserError


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One figure of a benchmark: the mean of a score over its items."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    what: str
    """What the score is, or what it is the share of."""
    chance: float | None = None
    """What guessing gives; None: it depends on the item, or there is no such thing."""
    all_of: str | None = None
    """Exact match: 1 for a group of items that all have 1 in this score."""
    better: Literal["higher", "lower"] = "higher"


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """A benchmark; the attributes are those under `metadata` of its YAML.

    Attributes:
        name: of the file.
        title: for people.
        citation: of its authors.
        licence: of its data.
        file: in a `data_dir`; `also` is another name of it.
        hub: id of the data set on the hub, with `subset`, `data_dir` and `split`; None: not there.
        how: how to get the file.
        loader: a function of `loaders`, which reads its rows.
        answers: what becomes of the model's answers: a judge rates them, or refusals are counted;
            None: it is not asked to answer.
        metrics: by name, in the order of the table.
        task: of lm-eval, as it stands in the YAML; None: nothing is scored by likelihood.
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
    answers: Literal["rated", "refusals"] | None = None
    task: dict[str, Any] | None = None


_FOLDER = files("social_sandbox.configs") / "benchmarks"
_BENCHMARK = TypeAdapter(Benchmark)


def installed() -> list[str]:
    """The names of all benchmarks."""
    found = (entry.name for entry in _FOLDER.iterdir())
    return sorted(name.removesuffix(".yaml") for name in found if name.endswith(".yaml"))


def find_benchmarks(names: Sequence[str], setting: str = "evaluate.benchmarks") -> list[Benchmark]:
    """Benchmarks by name, each once. Raises UserError for a name that is none."""
    known = installed()
    for name in names:
        if name not in known:
            raise UserError(f"{setting}: no {name!r}; there are {', '.join(known)}")
    return [_read(name) for name in dict.fromkeys(names)]


def _read(name: str) -> Benchmark:
    task: Any = OmegaConf.to_container(
        OmegaConf.create((_FOLDER / f"{name}.yaml").read_text(encoding="utf-8")), resolve=False
    )
    about = task["metadata"] | {"name": name, "task": task if "doc_to_text" in task else None}
    return _BENCHMARK.validate_python(about)
