"""Preference pairs in the format of HH-RLHF: dialogues that differ in the last reply."""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.text.messages import Conversation

from ..groups import RatedGroup
from ..pairs import Pair, Pairing, make_pairs, unrated_pair
from .conversation import LeftOut, read_exchange
from .dialogue import as_dialogue, last_reply, messages
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
    pairs = []
    for place, row in read_rows(source, setting):
        try:
            pairs.append(unrated_pair(*read_pair(place, row)))
        except LeftOut:
            continue
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


def read_pair(place: str, row: dict[str, Any]) -> tuple[Conversation, str, str]:
    """Return the conversation, the chosen and the rejected reply.

    Lists of messages are read as TRL's preference format has them.

    Raises:
        UserError: A field is missing or holds something else; names the place.
        LeftOut: A reply is empty, or the dialogues differ before the last reply.
    """
    for field in ("chosen", "rejected"):
        if field in row and row[field] is None:
            raise LeftOut("blank reply")
    if any(isinstance(row.get(name), list | dict) for name in ("prompt", "chosen", "rejected")):
        conversation, replies = read_exchange(place, row, ("chosen", "rejected"))
        return conversation, replies[0].strip(), replies[1].strip()
    dialogue, chosen, rejected, same = read_row(place, row)
    if not same:
        raise LeftOut("dialogues differ before the last reply")
    return messages(dialogue), chosen, rejected


def read_hh(
    source: str,
    rows: Iterable[tuple[str, dict[str, Any]]],
    rating: PairRating,
    dropped: Counter[str],
) -> Iterator[RatedGroup]:
    """Yield a group for each pair; rows that are no pairs are counted in `dropped`."""
    for number, (place, row) in enumerate(rows, start=1):
        try:
            dialogue, chosen, rejected = read_pair(place, row)
        except LeftOut as reason:
            dropped[str(reason)] += 1
            continue
        name = f"hh:{Path(source).name}:{number}"
        group = pair_group(name, "hh", dialogue, (chosen, rejected), rating, dropped)
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
