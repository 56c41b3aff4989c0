"""Several models as agents of the society, and several base models trained on what they say."""

from collections.abc import Iterator, Mapping, Sequence

from ..experiment import Cell, Experiment, Measure, Measured, Scale, Setting
from ..measures import ADHERENCE, OTHERS, RATING, TOKENS, base_held_out, trained

AGENTS: Mapping[Scale, Mapping[str, tuple[str, ...]]] = {
    "small": {
        "smollm2": (),
        "smollm2-hot": ("policy.temperature=1.2",),
        "scripted": ("policy=scripted",),
        "half-scripted": ("population=[{policy:scripted,share:0.5}]",),
    },
    "paper": {
        "gpt-5-mini": ("policy.model=gpt-5-mini",),
        "gpt-5-nano": ("policy.model=gpt-5-nano",),
        "qwen-7b": ("policy=huggingface", "policy.model=Qwen/Qwen2.5-7B-Instruct"),
    },
}
"""Settings of the agents by scale and name."""
BASE_MODELS: Mapping[Scale, tuple[str, ...]] = {
    "small": ("smollm2",),
    "paper": (
        "agi-css/better-base",
        "agi-css/hh-rlhf-sft",
        "HuggingFaceTB/SmolLM2-1.7B-Instruct",
        "Qwen/Qwen2.5-7B-Instruct",
    ),
}
"""Models that are aligned; at the small scale `values=[smollm2,PATH]` adds others."""
BASE = Measure("base_adherence", "base model (%)", ".1f", scale=100)
GAIN = Measure("gain", "gain (points)", "+.1f", scale=100)


def measure(cell: Cell) -> Measured:
    """Return the measures of the aligned model, and how far they are above its own base model's."""
    measured = trained(cell)
    aligned, base = measured[ADHERENCE.name], base_held_out(cell)[ADHERENCE.name]
    gain = {question: value - base[question] for question, value in aligned.items()}
    return measured | {BASE.name: base, GAIN.name: gain}


def settings(scale: Scale, models: Sequence[str]) -> Iterator[Setting]:
    """Yield each base model trained on the society of each kind of agents."""
    agents = AGENTS[scale]
    for model in models:
        base = f"base_model='{model}'"
        name = model.strip("/").rpartition("/")[2]
        first = next(iter(agents))
        for each, society in agents.items():
            yield Setting(
                f"{name}_by_{each}",
                (base,),
                baseline=f"{name}_by_{first}",
                society=each,
                society_overrides=society,
            )


EXPERIMENT = Experiment(
    name="models",
    purpose="Which models learn from which agents?",
    settings=settings,
    baseline="",
    measure=measure,
    measures=(ADHERENCE, BASE, GAIN, OTHERS, RATING, TOKENS),
    norms={"small": ("asks_back+brief",)},
    sizes={"small": ("env.n_rounds=2", "method.max_tokens=4000", "method.epochs=50")},
    values=BASE_MODELS,
    of_values="base models such as [smollm2,PATH]",
)
