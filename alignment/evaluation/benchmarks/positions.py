"""Where the right choice stands: in every place equally often."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from social_sandbox.envs.seeding import key

from .items import Item


def balanced(items: Sequence[Item]) -> list[Item]:
    """The same items, each with its right choice moved to a place that is drawn for it.

    Among items with equally many choices every place has the right one equally often, or once
    more: whoever always takes the first, or breaks ties that way, is at chance. Items whose `meta`
    has `mc1` are balanced over those choices.
    """
    same: dict[int, list[Item]] = {}
    for item in items:
        same.setdefault(len(_places(item)), []).append(item)
    moved: dict[str, Item] = {}
    for n, those in same.items():
        for rank, item in enumerate(sorted(those, key=lambda item: key(0, "position", item.id))):
            moved[item.id] = _moved(item, _places(item)[rank % n])
    return [moved[item.id] for item in items]


def _places(item: Item) -> Sequence[int]:
    return sorted(item.meta["mc1"]) if "mc1" in item.meta else range(len(item.choices))


def _moved(item: Item, to: int) -> Item:
    """The item with its best choice in this place, and that place's choice where it was."""
    best = int(item.meta["best"]) if "best" in item.meta else item.labels.index(1)
    order = list(range(len(item.choices)))
    order[best], order[to] = to, best
    places: Mapping[str, Any] = {
        name: sorted(order[place] for place in item.meta[name])
        for name in ("mc1", "mc2")
        if name in item.meta
    }
    return replace(
        item,
        choices=tuple(item.choices[at] for at in order),
        labels=tuple(item.labels[at] for at in order),
        meta={**item.meta, **places, **({"best": to} if "best" in item.meta else {})},
    )
