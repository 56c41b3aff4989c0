"""Preference pairs in the format of HH-RLHF: dialogues that differ in the last reply."""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from social_sandbox.envs.errors import UserError

from ..groups import RatedGroup
from ..pairs import Pair, Pairing, make_pairs, unrated_pair
from .dialogue import HUMAN, as_dialogue, last_reply, messages
from .pair import PairRating, pair_group
from .rows import read_rows


def read_pairs(source: str, setting: str) -> list[Pair]:
    """Return people's preferences without ratings.

    Pairs whose two dialogues differ before the last reply are left out.

    Args:
        source: File or hub id, see `read_rows`.
        setting: Name of the setting that holds `source`, for error messages.

    Raises:
        UserError: A row is not in the format, or no pair is left.
    """
    rows = [read_row(place, row) for place, row in read_rows(source, setting)]
    pairs = [
        unrated_pair(messages(dialogue), chosen, rejected)
        for dialogue, chosen, rejected, same in rows
        if same
    ]
    if not pairs:
        raise UserError(f"{setting}: {source} has no two replies to the same dialogue")
    return pairs


def read_row(place: str, row: dict[str, Any]) -> tuple[str, str, str, bool]:
    """Return dialogue, chosen reply, rejected reply, and whether both replies answer the dialogue.

    A row has `chosen` and `rejected`, which are whole dialogues, or replies to its `prompt`.

    Raises:
        UserError: Naming the place, where the row has no such texts.
    """
    chosen, rejected, prompt = row.get("chosen"), row.get("rejected"), row.get("prompt")
    if not isinstance(chosen, str) or not isinstance(rejected, str):
        raise UserError(f"{place}: needs texts chosen and rejected")
    if isinstance(prompt, str):
        return prompt, chosen.strip(), rejected.strip(), True
    dialogue, good = last_reply(chosen)
    other_dialogue, bad = last_reply(rejected)
    return dialogue, good, bad, dialogue.strip() == other_dialogue.strip()


def read_hh(
    source: str,
    rows: Iterable[tuple[str, dict[str, Any]]],
    rating: PairRating,
    dropped: Counter[str],
) -> Iterator[RatedGroup]:
    """Yield a group for each pair; rows that are no pairs are counted in `dropped`."""
    for number, (place, row) in enumerate(rows, start=1):
        dialogue, chosen, rejected, same = read_row(place, row)
        if not same:
            dropped["dialogues differ before the last reply"] += 1
            continue
        if HUMAN in chosen or HUMAN in rejected:
            dropped["a reply goes on with a turn of the human"] += 1
            continue
        name = f"hh:{Path(source).name}:{number}"
        group = pair_group(name, "hh", messages(dialogue), (chosen, rejected), rating, dropped)
        if group:
            yield group


def hh_rows(
    groups: Iterable[RatedGroup], pairs: Pairing, min_gap: float
) -> Iterator[dict[str, Any]]:
    """Yield a row for each pair: a dialogue up to the reply, and both replies."""
    for group in groups:
        for pair in make_pairs([group], pairs, min_gap):
            yield {
                "prompt": as_dialogue(group.prompt),
                "chosen": f" {pair.chosen.text}",
                "rejected": f" {pair.rejected.text}",
            }
