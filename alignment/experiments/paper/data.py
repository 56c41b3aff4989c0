"""The training data: kinds of groups, and how many interactions they are made from."""

from collections.abc import Iterator, Mapping, Sequence

from ..experiment import Experiment, Scale, Setting
from ..measures import ADHERENCE, GROUPS, OTHERS, RATING, TOKENS, base_held_out, trained

MIXES = ("1:0:0", "1:1:0", "1:1:1", "5:1:1")
"""Weights of imitation, self-critic and realignment."""
INTERACTIONS: Mapping[Scale, tuple[int, ...]] = {
    "small": (24, 48, 96),
    "paper": (500, 1000, 2000, 5000),
}
BASELINE = "mix-1-0-0"


def settings(scale: Scale, numbers: Sequence[int]) -> Iterator[Setting]:
    """Yield the mixes of kinds of data, and then the default mix from few to many interactions."""
    for mix in MIXES:
        imitation, critic, realignment = mix.split(":")
        weights = f"imitation:{imitation},self_critic:{critic},realignment:{realignment}"
        yield Setting(f"mix-{mix.replace(':', '-')}", (f"data.mix={{{weights}}}",))
    least = min(numbers)
    for number in numbers:
        yield Setting(
            f"interactions-{number}",
            (f"data.n_interactions={number}",),
            baseline=f"interactions-{least}",
            series="5:1:1",
            x=number,
        )


EXPERIMENT = Experiment(
    name="data",
    purpose="What do kinds of training data and numbers of interactions contribute?",
    settings=settings,
    baseline=BASELINE,
    measure=trained,
    measure_base=base_held_out,
    measures=(ADHERENCE, OTHERS, RATING, GROUPS, TOKENS),
    commands=("data", "align", "evaluate"),
    takes="interactions",
    norms={"small": ("asks_back+brief",)},
    # Equal tokens: more data is more different data, and not more training.
    sizes={
        "small": ("method.max_tokens=4000", "method.epochs=50"),
        "paper": ("method.max_tokens=20000000", "method.epochs=50"),
    },
    values=INTERACTIONS,
    of_values="numbers of interactions such as [24,96]",
    x_label="interactions",
)
