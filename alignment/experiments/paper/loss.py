"""The loss of Stable Alignment: weight, number and margin of the contrast, and its reduction."""

from collections.abc import Iterator
from itertools import product

from ..experiment import Experiment, Scale, Setting
from ..measures import (
    ADHERENCE,
    GRADIENT_NORM,
    HINGES,
    OTHERS,
    PERPLEXITY,
    TOKENS,
    base_held_out,
    trained,
)

BASELINE = "imitation"
PUBLISHED = ("code", "model_card", "readme")
"""The three settings that the authors published, see `configs/method`."""


def settings(scale: Scale) -> Iterator[Setting]:
    """Yield the settings of the loss.

    At the small scale, weight and margin are crossed, and number of candidates and reduction are
    varied beside the defaults of Stable Alignment; at the scale of the paper all four are crossed.
    """
    yield Setting(BASELINE, ("method.ratio=0",))
    if scale == "paper":
        yield from (
            _point(*each) for each in product((0.2, 1, 3), (2, 3, 4), (1, 4, 10), REDUCTIONS)
        )
    else:
        yield from (_point(ratio, 3, margin, "mean") for ratio in (0.2, 1, 3) for margin in (1, 4))
        yield _point(1, 2, 4, "mean")
        yield from (_point(1, 3, 4, reduce) for reduce in REDUCTIONS[1:])
    yield Setting("mis_indexed_margins", ("method.reproduce_reference_bug=true",))
    for name in PUBLISHED:
        yield Setting(f"published_{name}", (f"method=stable_alignment_{name}",))


REDUCTIONS = ("mean", "max", "mean_of_hinges")


def _point(ratio: float, candidates: int, margin: float, reduce: str) -> Setting:
    return Setting(
        f"ratio-{ratio:g}_candidates-{candidates}_margin-{margin:g}_{reduce}",
        (
            f"method.ratio={ratio:g}",
            f"method.candidates_per_group={candidates}",
            f"method.margin={margin:g}",
            f"method.reduce={reduce}",
        ),
    )


EXPERIMENT = Experiment(
    name="loss",
    purpose="How does Stable Alignment depend on weight, number, margin and form of its contrast?",
    settings=settings,
    baseline=BASELINE,
    measure=trained,
    measure_base=base_held_out,
    measures=(ADHERENCE, OTHERS, GRADIENT_NORM, PERPLEXITY, HINGES, TOKENS),
    norms={"small": ("asks_back+brief",)},
    sizes={
        "small": ("env.n_rounds=2", "method.max_tokens=6000", "method.epochs=20"),
        # Groups as large as the largest number of candidates.
        "paper": ("data.group_size=4",),
    },
)
