"""What each stage made, out of what: in the stage's record, and as wandb artifacts.

Offline wandb can neither look an artifact up nor give it a version. Therefore the path and the
SHA-256 of every file stand in the stage's record and in the artifact's metadata, and what a
stage has read is logged again under its own name: wandb knows the same files by their digest, and
after `wandb sync` draws simulate -> data -> model -> evaluation.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import wandb

from ..runtime.stage import extend_record, file_hash, read_record
from .wandb_config import LogModel

_LONGEST_NAME = 128
"""Of an artifact, by wandb's rules."""


@dataclass(frozen=True, slots=True)
class Product:
    """What a stage hands on: a file or a folder in the stage's folder."""

    artifact: str
    type: str
    file: str


PRODUCTS = {
    "simulation": Product("interactions", "dataset", "interactions.jsonl"),
    "data": Product("groups", "dataset", "groups.jsonl"),
    "alignment": Product("model", "model", "model"),
    "evaluation": Product("evaluation", "evaluation", "results.json"),
    "benchmarks": Product("benchmarks", "evaluation", "results.json"),
}


def data_artifact(kind: str, file: str) -> str:
    """What a source of training data is called: what a stage makes by that, others by the file."""
    if kind in ("interactions", "groups"):
        return kind
    return re.sub(r"[^\w.-]", "_", f"{kind}-{Path(file).stem}")[:_LONGEST_NAME]


def models(recipes: Iterable[Mapping[str, Any]]) -> list[tuple[str, Path]]:
    """The local models that players are made of, as sources of `describe`."""
    named = {str(recipe.get("model")) for recipe in recipes}
    return [("model", Path(name)) for name in sorted(named) if Path(name).is_dir()]


def describe(folder: Path, sources: Sequence[tuple[str, Path]]) -> dict[str, Any]:
    """What the stage of this folder made and what it read; written into its record.

    Args:
        folder: the stage's, complete.
        sources: what the stage read: the artifact's name, and the file or folder. What is no
            file here, such as a model's hub id, is left out.

    Returns:
        `made` (`artifact`, `path`, `sha256`) and `read`, a list of the same.
    """
    record = read_record(folder) or {}
    product = PRODUCTS[folder.name]
    if "made" not in record:
        made = _known(product.artifact, folder / product.file)
        read = [_known(name, path) for name, path in sources if path.exists()]
        record = extend_record(folder, {"made": made, "read": read})
    # Not the path of the record: the folder may have been moved.
    path = str((folder / product.file).resolve())
    return {"made": {**record["made"], "path": path}, "read": record["read"]}


def log_stage(run: Any, described: Mapping[str, Any], log_model: LogModel) -> None:
    """Log what a stage read as inputs of the run, and what it made as its output."""
    made = described["made"]
    for read in described["read"]:
        if Path(read["path"]).exists() and _wanted(read, log_model):
            _use(run, _artifact(read, {}, log_model))
    if _wanted(made, log_model):
        metadata = {"read": described["read"], "run": run.id}
        run.log_artifact(_artifact(made, metadata, log_model), aliases=[_alias(made)])


def digest(path: Path) -> str:
    """SHA-256 of a file, or of the names and hashes of all files of a folder."""
    if path.is_file():
        return file_hash(path)
    files = {str(file.relative_to(path)): file_hash(file) for file in _files(path)}
    return hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _known(artifact: str, path: Path) -> dict[str, str]:
    return {"artifact": artifact, "path": str(path.resolve()), "sha256": digest(path)}


def _wanted(known: Mapping[str, str], log_model: LogModel) -> bool:
    return known["artifact"] != "model" or log_model != "none"


def _artifact(known: Mapping[str, str], metadata: Mapping[str, Any], log_model: LogModel) -> Any:
    name, path = known["artifact"], Path(known["path"])
    given = Product(name, "dataset", path.name)
    product = next((p for p in PRODUCTS.values() if p.artifact == name), given)
    artifact = wandb.Artifact(name, product.type, metadata={**known, **metadata})
    if path.is_file():
        same = path.suffix == Path(product.file).suffix
        artifact.add_file(str(path), name=product.file if same else path.name)
    elif log_model == "upload" and read_record(path.parent):
        # What a stage has made, and no base model.
        # "immutable": wandb would copy gigabytes into a folder of its own first.
        artifact.add_dir(str(path), policy="immutable", skip_cache=True)
    else:
        for file in _files(path):
            artifact.add_reference(file.as_uri(), name=str(file.relative_to(path)))
    return artifact


def _use(run: Any, artifact: Any) -> None:
    aliases = [_alias(artifact.metadata)]
    if run.offline:
        # What use_artifact itself does with an artifact that is not logged yet; offline it
        # refuses. The record waits in the run's file for `wandb sync`.
        run._log_artifact(artifact, aliases=aliases, is_user_created=True, use_after_commit=True)
    else:
        run.use_artifact(artifact, aliases=aliases)


def _alias(known: Mapping[str, str]) -> str:
    return f"sha256-{known['sha256'][:12]}"
