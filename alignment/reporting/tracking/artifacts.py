"""The output and the inputs of each stage, in the stage's record and as wandb artifacts.

Offline, wandb can neither find an artifact nor give it a version. Therefore the path and the
SHA-256 of every file are in the stage's record and in the artifact's metadata, and the inputs of a
stage are logged again under their own names. wandb recognises equal files by their digest and,
after `wandb sync`, draws simulate -> data -> model -> evaluation.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...runtime.stage import extend_record, file_hash, read_record
from .config import LogModel

_LONGEST_NAME = 128
"""Longest name of an artifact that wandb accepts."""


@dataclass(frozen=True, slots=True)
class Product:
    """The output of a stage: a file or a folder in the stage's folder."""

    artifact: str
    type: str
    file: str


PRODUCTS = {
    "simulation": Product("interactions", "dataset", "interactions.jsonl"),
    "data": Product("groups", "dataset", "groups.jsonl"),
    "alignment": Product("model", "model", "model"),
    "evaluation": Product("evaluation", "evaluation", "results.json"),
    "safeguards": Product("safeguards", "evaluation", "results.json"),
    "benchmarks": Product("benchmarks", "evaluation", "results.json"),
}


_OF_PEOPLE = "human-"
"""Beginning of the names of artifacts with people's judgements."""


def data_artifact(kind: str, file: str) -> str:
    """Return the artifact name of a source of training data: its kind, with the file if needed."""
    if kind in ("interactions", "groups"):
        return kind
    return re.sub(r"[^\w.-]", "_", f"{kind}-{Path(file).stem}")[:_LONGEST_NAME]


def models(recipes: Iterable[Mapping[str, Any]]) -> list[tuple[str, Path]]:
    """Return the local models in recipes of policies, as sources of `describe`."""
    names = {str(recipe.get("model")) for recipe in recipes}
    return [("model", Path(name)) for name in sorted(names) if Path(name).is_dir()]


def describe(folder: Path, sources: Sequence[tuple[str, Path]]) -> dict[str, Any]:
    """Describe the output and the inputs of a stage, and write both into the stage's record.

    Args:
        folder: Folder of the stage, which is complete.
        sources: Inputs of the stage: the artifact's name, and the file or folder. Inputs that are
            no files, such as a model's hub id, are left out.

    Returns:
        `made`, with `artifact`, `path` and `sha256` of the output, and `read`, a list of the same
        for the inputs.
    """
    record = read_record(folder) or {}
    product = PRODUCTS[folder.name]
    if "made" not in record:
        made = _description(product.artifact, folder / product.file)
        read = [_description(name, path) for name, path in sources if path.exists()]
        record = extend_record(folder, {"made": made, "read": read})
    # Not the path of the record: the folder may have been moved.
    path = str((folder / product.file).resolve())
    return {"made": {**record["made"], "path": path}, "read": record["read"]}


def log_stage(run: Any, described: Mapping[str, Any], log_model: LogModel) -> None:
    """Log the inputs of a stage as inputs of the run, and its output as the output of the run."""
    made = described["made"]
    for read in described["read"]:
        if Path(read["path"]).exists() and _is_wanted(read, log_model):
            _use(run, _artifact(read, {}, log_model))
    if _is_wanted(made, log_model):
        metadata = {"read": described["read"], "run": run.id}
        run.log_artifact(_artifact(made, metadata, log_model), aliases=[_alias(made)])


def digest(path: Path) -> str:
    """Return the SHA-256 of a file, or of the names and hashes of all files in a folder."""
    if path.is_file():
        return file_hash(path)
    files = {str(file.relative_to(path)): file_hash(file) for file in _files(path)}
    return hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _description(artifact: str, path: Path) -> dict[str, str]:
    return {"artifact": artifact, "path": str(path.resolve()), "sha256": digest(path)}


def _is_wanted(described: Mapping[str, str], log_model: LogModel) -> bool:
    return described["artifact"] != "model" or log_model != "none"


def _artifact(
    described: Mapping[str, str], metadata: Mapping[str, Any], log_model: LogModel
) -> Any:
    name, path = described["artifact"], Path(described["path"])
    input_file = Product(name, "dataset", path.name)
    product = next((p for p in PRODUCTS.values() if p.artifact == name), input_file)
    import wandb

    artifact = wandb.Artifact(name, product.type, metadata={**described, **metadata})
    if name.startswith(_OF_PEOPLE):
        # The names of people who judged stay on this machine: only the address and the hash go.
        artifact.add_reference(path.as_uri(), name=path.name)
    elif path.is_file():
        same = path.suffix == Path(product.file).suffix
        artifact.add_file(str(path), name=product.file if same else path.name)
    elif log_model == "upload" and read_record(path.parent):
        # The output of a stage; a base model is never uploaded.
        # "immutable": wandb would copy gigabytes into a folder of its own first.
        artifact.add_dir(str(path), policy="immutable", skip_cache=True)
    else:
        for file in _files(path):
            artifact.add_reference(file.as_uri(), name=str(file.relative_to(path)))
    return artifact


def _use(run: Any, artifact: Any) -> None:
    aliases = [_alias(artifact.metadata)]
    if run.offline:
        # use_artifact does the same with an artifact that is not logged yet, but refuses to do
        # so offline. The record waits in the run's file for `wandb sync`.
        run._log_artifact(artifact, aliases=aliases, is_user_created=True, use_after_commit=True)
    else:
        run.use_artifact(artifact, aliases=aliases)


def _alias(described: Mapping[str, str]) -> str:
    return f"sha256-{described['sha256'][:12]}"
