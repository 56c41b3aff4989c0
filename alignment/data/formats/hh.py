"""Preference pairs in the form of HH-RLHF: dialogues that differ in the assistant's last reply."""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from social_sandbox.envs.errors import UserError

from ..groups import RatedGroup
from ..pairs import Pairing, make_pairs
from .dialogue import HUMAN, as_dialogue, last_reply, messages
from .pair import PairRating, pair_group


def read_pair(place: str, row: dict[str, Any]) -> tuple[str, str, str, bool]:
    """Dialogue, chosen reply, rejected reply, and whether both replies answer that dialogue.

    A row has `chosen` and `rejected`, which are whole dialogues, or replies to its `prompt`.
    Raises UserError naming the place.
    """
    chosen, rejected, prompt = row.get("chosen"), row.get("rejected"), row.get("prompt")
    if not isinstance(chosen, str) or not isinstance(rejected, str):
        raise UserError(f"{place}: needs texts chosen and rejected")
    if isinstance(prompt, str):
        return prompt, chosen.strip(), rejected.strip(), True
    asked, good = last_reply(chosen)
    asked_too, bad = last_reply(rejected)
    return asked, good, bad, asked.strip() == asked_too.strip()


def read_hh(
    source: str, rows: Iterable[tuple[str, dict[str, Any]]], how: PairRating, dropped: Counter[str]
) -> Iterator[RatedGroup]:
    """A group a pair, the dialogue turn by turn; what is no pair is counted in `dropped`."""
    for number, (place, row) in enumerate(rows, start=1):
        dialogue, chosen, rejected, same = read_pair(place, row)
        if not same:
            dropped["dialogues differ before the last reply"] += 1
            continue
        if HUMAN in chosen or HUMAN in rejected:
            dropped["a reply goes on with a turn of the human"] += 1
            continue
        name = f"hh:{Path(source).name}:{number}"
        group = pair_group(name, "hh", messages(dialogue), (chosen, rejected), how, dropped)
        if group:
            yield group


def hh_rows(
    groups: Iterable[RatedGroup], pairs: Pairing, min_gap: float
) -> Iterator[dict[str, Any]]:
    """A row a pair: a dialogue that ends where the reply is due, and both replies."""
    for group in groups:
        for pair in make_pairs([group], pairs, min_gap):
            yield {
                "prompt": as_dialogue(group.prompt),
                "chosen": f" {pair.chosen.text}",
                "rejected": f" {pair.rejected.text}",
            }
