"""Agreement of several raters: Krippendorff's alpha."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

import numpy as np

Level = Literal["nominal", "ordinal", "interval"]
"""How values are compared: as names, by their order, or by their distance."""


def krippendorff_alpha(
    units: Iterable[Mapping[Any, float]], level: Level = "interval"
) -> float | None:
    """Return Krippendorff's alpha of what raters said about units.

    1 is perfect agreement, 0 the agreement that chance would give. Krippendorff, Content Analysis
    (2004), chapter 11; computed by the library `krippendorff`.

    Args:
        units: For each unit, such as an answer, the value that each rater gave.
        level: How two values are compared.

    Returns:
        Alpha; None where no unit has values of two raters, and where all of these are equal.
    """
    import krippendorff

    shared = [values for values in units if len(values) > 1]
    raters = list(dict.fromkeys(rater for values in shared for rater in values))
    table = np.array([[values.get(rater, np.nan) for values in shared] for rater in raters])
    if not table.size or np.nanmin(table) == np.nanmax(table):
        return None
    return float(krippendorff.alpha(reliability_data=table, level_of_measurement=level))
