from collections.abc import Iterator
from typing import Any

import matplotlib.pyplot as plt
import pytest

from social_sandbox.alignment.reporting.figures import _loss


@pytest.fixture
def axes() -> Iterator[Any]:
    figure, drawn = plt.subplots()
    yield drawn
    plt.close(figure)


@pytest.mark.parametrize(
    ("method", "row", "title", "unit"),
    [
        ("stable_alignment", {"loss": 1.0}, "stable alignment: loss", "nats per token"),
        ("dpo", {"loss": 1.0}, "dpo: loss", "loss"),
        ("rlhf", {"loss": 0.0, "reward": 2.0}, "rlhf: reward", "reward"),
    ],
)
def test_a_training_is_drawn_as_what_its_method_goes_by(
    axes: Any, method: str, row: dict[str, float], title: str, unit: str
) -> None:
    _loss(axes, [{"step": 1, **row}, {"step": 2, **row}], method)
    assert (axes.get_title(), axes.get_ylabel()) == (title, unit)
    first = axes.get_lines()[0].get_ydata()
    assert list(first) == [row[unit] if unit in row else row["loss"]] * 2
