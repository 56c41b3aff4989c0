"""The positions of right choices, balanced so that none is right more often than another."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from social_sandbox.envs.rules.seeding import key

from ..items import Item


def balanced(items: Sequence[Item]) -> list[Item]:
    """Return the items, each with its right choice moved to a position that is drawn for it.

    Among items with equally many choices each position has the right choice equally often, or once
    more. A model that always takes the first choice, or breaks ties that way, is at chance. Items
    whose `meta` has `mc1` are balanced over those choices.
    """
    by_size: dict[int, list[Item]] = {}
    for item in items:
        by_size.setdefault(len(_positions(item)), []).append(item)
    moved: dict[str, Item] = {}
    for size, group in by_size.items():
        order = sorted(group, key=lambda item: key(0, "position", item.id))
        for rank, item in enumerate(order):
            moved[item.id] = _with_best_at(item, _positions(item)[rank % size])
    return [moved[item.id] for item in items]


def _positions(item: Item) -> Sequence[int]:
    return sorted(item.meta["mc1"]) if "mc1" in item.meta else range(len(item.choices))


def _with_best_at(item: Item, position: int) -> Item:
    """Return the item with its best choice and the choice at this position exchanged."""
    best = int(item.meta["best"]) if "best" in item.meta else item.labels.index(1)
    order = list(range(len(item.choices)))
    order[best], order[position] = position, best
    variants: Mapping[str, Any] = {
        name: sorted(order[place] for place in item.meta[name])
        for name in ("mc1", "mc2")
        if name in item.meta
    }
    return replace(
        item,
        choices=tuple(item.choices[place] for place in order),
        labels=tuple(item.labels[place] for place in order),
        meta={**item.meta, **variants, **({"best": position} if "best" in item.meta else {})},
    )
