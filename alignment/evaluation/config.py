"""Settings of the evaluation."""

from typing import Annotated, Literal

from pydantic import Field

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.rules.turns import RatingScale
from social_sandbox.envs.settings import settings_dataclass

from ..data.storage.lists import one_or_many

SafeguardName = Literal["truthfulqa", "xstest"]
"""A benchmark on which an aligned model must not be much worse than its base model."""


@settings_dataclass("evaluate")
class EvaluateConfig:
    """How models are measured; `social-sandbox evaluate --help evaluate` explains each setting."""

    model: str | None = None
    questions: str | None = None
    n_questions: Annotated[int, Field(ge=2)] | None = None
    pairs: str | None = None
    max_new_tokens: Annotated[int, Field(ge=1)] = 64
    temperature: Annotated[float, Field(ge=0)] = 0.7
    samples: Annotated[int, Field(ge=1)] = 2
    engagement_weight: Annotated[float, Field(ge=0)] = 1.0
    embedded_observer: bool = False
    answers_only: bool = False
    rating_scale: RatingScale = 7
    benchmarks: Literal["all"] | Annotated[tuple[str, ...], one_or_many] | None = None
    safeguards: Annotated[tuple[SafeguardName, ...], one_or_many] = ()
    data_dir: str | None = None
    limit: Annotated[int, Field(ge=2)] | None = None
    norms: Annotated[tuple[str, ...], one_or_many] = ()
    other_kinds: Annotated[tuple[str, ...], one_or_many] = ()
    apply_chat_template: bool = False
    benchmark_temperature: Annotated[float, Field(ge=0)] = 0.0
    against: str | None = None
    during: Annotated[tuple[str, ...], one_or_many] = ()
    during_steps: Annotated[int, Field(ge=1)] = 50
    resamples: Annotated[int, Field(ge=100)] = 10_000
    seed: int = 0

    def __post_init__(self) -> None:
        """Raise UserError where two settings contradict each other."""
        if self.temperature == 0 and self.samples > 1:
            raise UserError(
                "evaluate.samples: must be 1 with evaluate.temperature=0, as all answers are equal"
            )
