"""Reinforcement learning in the society, beside learning from recordings, at equal tokens.

It goes beyond the paper, which aligns on recordings alone.
"""

from collections.abc import Iterator, Mapping, Sequence

from ..experiment import Experiment, Scale, Setting
from ..measures import (
    ADHERENCE,
    GENERATING,
    OTHERS,
    RATING,
    SECONDS,
    TOKENS,
    base_held_out,
    trained,
)

BUDGETS: Mapping[Scale, tuple[int, ...]] = {"small": (10_000, 20_000), "paper": (5_000_000,)}
"""Tokens that each method may read and write, by scale."""
BASELINE = "sft"
_TOKENS: Mapping[Scale, int] = {"small": 48, "paper": 128}
"""Largest number of tokens of a text, where a method generates texts itself."""
_PEERS: Mapping[Scale, tuple[str, ...]] = {"small": ("policy=scripted",), "paper": ()}
"""Who plays the others where the model learns in the society."""


def settings(scale: Scale, budgets: Sequence[int]) -> Iterator[Setting]:
    """Yield each method with each budget; methods are compared at equal tokens.

    `rlhf` has the same rewards as the society, from the observer, and answers without peers.
    """
    length = f"method.max_new_tokens={_TOKENS[scale]}"
    samples = (length, "method.generations=8", "method.batch_size=8")
    methods: Mapping[str, tuple[str, ...]] = {
        BASELINE: (),
        "stable_alignment": (),
        "rlhf": ("method.reward=observer", "method.beta=0", *samples),
        # Drafts have a reward of their own: held-out questions are answered by drafts.
        "society_grpo": (
            *("method.rewards=[revision,ended]", "method.credit=utterance"),
            *(*_PEERS[scale], *samples),
        ),
    }
    for budget in budgets:
        for method, overrides in methods.items():
            yield Setting(
                f"{method}-{budget}",
                (f"method={method}", f"method.max_tokens={budget}", *overrides),
                baseline=f"{BASELINE}-{budget}",
                series=method,
                x=budget,
            )


EXPERIMENT = Experiment(
    name="reinforcement",
    purpose="Does a model learn a norm in the society, beside methods that learn from recordings?",
    settings=settings,
    baseline=BASELINE,
    measure=trained,
    measure_base=base_held_out,
    measures=(ADHERENCE, RATING, OTHERS, TOKENS, SECONDS, GENERATING),
    norms={"small": ("brief",)},
    sizes={"small": ("env.n_rounds=2", "env.memory=false", "evaluate.answers_only=true")},
    values=BUDGETS,
    of_values="numbers of tokens such as [10000,20000]",
    x_label="tokens",
)
