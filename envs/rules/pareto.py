"""Whether alignment and engagement still rise together (paper, section 3.1)."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from .interactions import Interaction, mean


def pareto_products(interactions: Iterable[Interaction]) -> list[float]:
    """Return the mean alignment times the mean engagement of the revisions, by round.

    Rounds in which no revision was rated in one of the two are left out.
    """
    by_round: dict[int, list[Interaction]] = defaultdict(list)
    for interaction in interactions:
        by_round[interaction.round].append(interaction)
    products = []
    for number in sorted(by_round):
        alignment, engagement = (
            mean(each.rating(aspect, "revision") for each in by_round[number])
            for aspect in ("alignment", "engagement")
        )
        if alignment is not None and engagement is not None:
            products.append(alignment * engagement)
    return products


def no_longer_rises(values: Sequence[float], patience: int) -> bool:
    """Return whether none of the last `patience` values is above all values before them."""
    before, last = values[:-patience], values[-patience:]
    return bool(before) and max(last) <= max(before)
