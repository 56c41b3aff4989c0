"""What a run has recorded so far: interactions, groups and answers, and how they are named."""

import difflib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.rules.interactions import Interaction, interaction_log
from social_sandbox.envs.text.jsonl import OBJECT, JsonlLog
from social_sandbox.policies.society.engines.merge import WORLDS
from social_sandbox.policies.society.engines.under_way import recorded_interactions
from social_sandbox.policies.society.log import INTERACTIONS

from ..data.groups import RatedGroup, read_groups


def read_society(folder: Path) -> list[Interaction]:
    """Return the interactions of an output folder, of its folder `simulation`, or of a file.

    The simulation may still be running.

    Raises:
        UserError: There are none, or the file is damaged.
    """
    # Workers write files of their own until all of them have finished.
    places = (folder / "simulation", folder)
    simulation = next((p for p in places if (p / WORLDS).is_dir()), None)
    if simulation is not None:
        interactions = list(recorded_interactions(simulation))
    else:
        interactions = interaction_log(_path(folder, "simulation", INTERACTIONS)).read()
    if not interactions:
        raise UserError(f"show: {folder} has no finished interaction yet")
    return interactions


def read_data(folder: Path) -> list[RatedGroup]:
    """Return the groups of an output folder, of its folder `data`, or of a file.

    Raises:
        UserError: There are none, or the file is damaged.
    """
    return read_groups(_path(folder, "data", "groups.jsonl"))


def read_answers(folder: Path) -> list[dict[str, Any]]:
    """Return the held-out answers of an output folder, of its folder `evaluation`, or of a file.

    Raises:
        UserError: There are none, or the file is damaged.
    """
    path = _path(folder, "evaluation", "answers.jsonl")
    rows = JsonlLog(path, OBJECT, "show").read()
    for number, row in enumerate(rows, start=1):
        if not isinstance(row.get("question"), str) or not models(row):
            raise UserError(f"show: {path}, line {number}: is no held-out answer")
    return rows


def models(row: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the answers in a row of held-out answers, by model."""
    return {n: v for n, v in row.items() if isinstance(v, dict) and "answer" in v}


def find(interactions: Sequence[Interaction], wanted: str) -> Interaction:
    """Return the interaction of an id, or of a short form of one.

    Args:
        interactions: Interactions to search.
        wanted: Such as `world_0/2/social_14`, `0/2/14`, or `2/14` where there is one world.

    Raises:
        UserError: No interaction, or more than one, has such an id; names the nearest.
    """
    by_id = {interaction.id: interaction for interaction in interactions}
    if wanted in by_id:
        return by_id[wanted]
    asked = wanted.strip("/").split("/")
    matches = [name for name in by_id if _fits(name.rsplit("/", 2), asked)]
    if len(matches) == 1:
        return by_id[matches[0]]
    if matches:
        listed = ", ".join(matches[:3]) + (" and others" if len(matches) > 3 else "")
        raise UserError(f"show: {wanted!r} fits {len(matches)} interactions: {listed}")
    near = difflib.get_close_matches(wanted, by_id, n=1, cutoff=0.4)
    hint = f"did you mean {near[0]!r}?" if near else f"ids are such as {next(iter(by_id))!r}"
    raise UserError(f"show: no interaction {wanted!r}; {hint}")


def numbered(rows: Sequence[Any], wanted: str, what: str) -> int:
    """Return the index that a user means by a number from 1, or by the `id` of a group.

    Raises:
        UserError: There is no such row; the message says which there are.
    """
    if re.fullmatch(r"[0-9]{1,12}", wanted) and 1 <= int(wanted) <= len(rows):
        return int(wanted) - 1
    ids = [getattr(row, "id", None) for row in rows]
    if wanted in ids:
        return ids.index(wanted)
    raise UserError(f"show: no {what} {wanted!r}; there are 1 to {len(rows)}")


def _fits(parts: Sequence[str], asked: Sequence[str]) -> bool:
    """Return whether the last parts of an id are those asked for; a number stands for a name."""
    return len(asked) <= len(parts) and all(
        part == one or part.rpartition("_")[2] == one
        for part, one in zip(parts[::-1], asked[::-1], strict=False)
    )


def _path(folder: Path, stage: str, name: str) -> Path:
    if folder.is_file():
        return folder
    found = next((p for p in (folder / stage / name, folder / name) if p.is_file()), None)
    if found:
        return found
    if not folder.exists():
        raise UserError(f"show: there is no folder {folder}")
    # The parts of an online job, and the points of a sweep, have folders of their own.
    inner = sorted(path.parent.parent for path in folder.glob(f"*/{stage}/{name}"))
    if inner:
        raise UserError(f"show: {folder} holds several runs: choose one, such as {inner[0]}")
    command = {"simulation": "simulate", "data": "data", "evaluation": "evaluate"}[stage]
    raise UserError(f"show: {folder} has no {stage}/{name}: social-sandbox {command} first")
