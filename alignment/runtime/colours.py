"""Colours of figures, which people with any kind of colour vision can tell apart."""

from collections.abc import Sequence

PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000")
"""The colours of Okabe and Ito (2008), without the yellow, which is too pale on white."""

MARKERS = ("o", "s", "^", "D", "v", "P", "X")
"""Shapes of points, so that colour is never the only sign."""

SEQUENTIAL = "cividis"
"""Colour map of numbers: dark is low, light is high, also when printed in grey."""


def of_number(place: int, choices: Sequence[str] = PALETTE) -> str:
    """Return the colour, or another of `choices`, of the series at a place; they repeat."""
    return choices[place % len(choices)]
