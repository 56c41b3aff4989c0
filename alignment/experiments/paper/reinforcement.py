"""Reinforcement learning in the society, beside learning from recordings, at equal tokens.

It goes beyond the paper, which aligns on recordings alone.
"""

import json
from collections.abc import Iterator, Mapping, Sequence

from social_sandbox.envs.rules.interactions import mean

from ..experiment import WHOLE, Cell, Experiment, Measure, Measured, Scale, Setting
from ..measures import ADHERENCE, OTHERS, RATING, SECONDS, TOKENS, base_held_out, trained

GENERATING = Measure("generating", "time in the society (%)", ".0f", scale=100, interval=False)

BUDGETS: Mapping[Scale, tuple[int, ...]] = {"small": (10_000, 20_000), "paper": (5_000_000,)}
"""Tokens that each method may read and write, by scale."""
BASELINE = "sft"
_SAMPLES: Mapping[Scale, tuple[str, ...]] = {
    "small": ("method.max_new_tokens=48", "method.generations=8", "method.batch_size=8"),
    "paper": ("method.max_new_tokens=128", "method.generations=8", "method.batch_size=8"),
}
"""How methods sample that generate texts themselves."""
_PEERS: Mapping[Scale, tuple[str, ...]] = {"small": ("policy=scripted",), "paper": ()}
"""Who plays the others where the model learns in the society."""


def settings(scale: Scale, budgets: Sequence[int]) -> Iterator[Setting]:
    """Yield each method with each budget; methods are compared at equal tokens.

    `rlhf` has the same rewards as the society, from the observer, and answers without peers.
    """
    methods: Mapping[str, tuple[str, ...]] = {
        BASELINE: (),
        "stable_alignment": (),
        "rlhf": ("method.reward=observer", "method.beta=0", *_SAMPLES[scale]),
        # Drafts have a reward of their own: held-out questions are answered by drafts.
        "society_grpo": (
            *("method.rewards=[revision]", "method.credit=utterance"),
            *(*_PEERS[scale], *_SAMPLES[scale]),
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


def measure(cell: Cell) -> Measured:
    """Return the measures of the aligned model, and the share of time that was spent generating."""
    log = json.loads((cell.folder / "alignment" / "log.json").read_text(encoding="utf-8"))
    key = "society/share_generating"
    share = mean(row[key] for row in log if key in row)
    return trained(cell) | ({} if share is None else {GENERATING.name: {WHOLE: share}})


EXPERIMENT = Experiment(
    name="reinforcement",
    purpose="Does a model learn a norm in the society, beside methods that learn from recordings?",
    settings=settings,
    baseline=BASELINE,
    measure=measure,
    measure_base=base_held_out,
    measures=(ADHERENCE, RATING, OTHERS, TOKENS, SECONDS, GENERATING),
    norms={"small": ("brief",)},
    sizes={"small": ("env.n_rounds=2", "env.memory=false", "evaluate.answers_only=true")},
    values=BUDGETS,
    of_values="numbers of tokens such as [10000,20000]",
    x_label="tokens",
)
