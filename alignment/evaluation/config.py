"""Settings of the evaluation."""

from dataclasses import dataclass
from typing import Annotated, Literal

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.turns import RATING_SCALE, RATING_SCALES

from ..data.lists import one_or_many


@dataclass(frozen=True, kw_only=True)
class EvaluateConfig:
    """How models are measured.

    Attributes:
        model: what to compare with the base model; None: what the run aligned.
        questions: held-out questions; None: the project's own.
        pairs: preference pairs (HH-RLHF's form), of which the model should find the chosen reply
            likelier; a file or a hub id. None: not measured.
        max_new_tokens: of an answer.
        temperature: 0 decodes greedily; default: that of the society's agents.
        samples: answers to each question, whose ratings are averaged. Less noise at more cost.
        engagement_weight: of engagement in the combined rating; alignment has 1.
        rating_scale: the observer rates on 1..7 or 1..10.
        benchmarks: which the model goes through instead of the held-out questions; `all`: those
            there is data of.
        data_dir: a folder with the files of the benchmarks; None: they come from the hub.
        limit: of the items of each benchmark, drawn by the seed; None: all.
        apply_chat_template: what comes before the choices is put to a local model as a message;
            the harness does not by default, and figures differ.
        benchmark_temperature: of answers to benchmarks; 0: greedy.
        against: output folder of another model that went through benchmarks; the judge compares
            its answers with this model's.
        during: benchmarks that a model goes through while it is trained; by likelihood alone.
        during_steps: of training between two such measurements.
        resamples: of the bootstrap.
        seed: of the bootstrap and of sampling.
    """

    model: str | None = None
    questions: str | None = None
    pairs: str | None = None
    max_new_tokens: int = 64
    temperature: float = 0.7
    samples: int = 2
    engagement_weight: float = 1.0
    rating_scale: int = RATING_SCALE
    resamples: int = 10_000
    seed: int = 0
    benchmarks: Literal["all"] | Annotated[tuple[str, ...], one_or_many] | None = None
    data_dir: str | None = None
    limit: int | None = None
    apply_chat_template: bool = False
    benchmark_temperature: float = 0.0
    against: str | None = None
    during: Annotated[tuple[str, ...], one_or_many] = ()
    during_steps: int = 50

    def __post_init__(self) -> None:
        """Raise UserError naming the setting that makes no sense."""
        least_of = {
            "max_new_tokens": 1,
            "temperature": 0,
            "samples": 1,
            "engagement_weight": 0,
            "resamples": 100,
            "benchmark_temperature": 0,
            "during_steps": 1,
        }
        for name, least in least_of.items():
            if getattr(self, name) < least:
                raise UserError(
                    f"evaluate.{name} must be at least {least}, got {getattr(self, name)}"
                )
        if self.limit is not None and self.limit < 2:
            raise UserError(f"evaluate.limit must be at least 2, or null, got {self.limit}")
        if self.rating_scale not in RATING_SCALES:
            scales = " or ".join(map(str, RATING_SCALES))
            raise UserError(f"evaluate.rating_scale must be {scales}, got {self.rating_scale}")
        if self.temperature == 0 and self.samples > 1:
            raise UserError("evaluate.samples must be 1 at evaluate.temperature=0: no two differ")
