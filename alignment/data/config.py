"""Settings of the training data."""

from collections.abc import Sequence
from dataclasses import asdict, field, replace
from typing import Annotated, Any, Literal

from pydantic import Field

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.rules.turns import MIN_RATING, RatingScale
from social_sandbox.envs.settings import settings_dataclass

from .groups import KINDS
from .storage.lists import one_or_many

SourceKind = Literal[
    "interactions", "hh", "authors", "preference", "prompt_completion", "groups", "human"
]


CritiqueRating = Literal["agreement", "rise", "authors"]
"""How a critique is rated."""


@settings_dataclass("data.sources")
class SourceConfig:
    """One source of training data; `social-sandbox data --help sources` explains each setting."""

    kind: SourceKind
    path: str | None = None
    weight: Annotated[float, Field(ge=0)] | None = None
    gap: Annotated[float, Field(gt=0)] = 2.0
    rating_scale: RatingScale = 7
    rater: str | None = None
    split: str = "train"
    name: str | None = None
    data_dir: str | None = None
    revision: str | None = None

    @property
    def hub_part(self) -> dict[str, str]:
        """The part of a data set on the hub, as arguments of `datasets.load_dataset`."""
        part = {"name": self.name, "data_dir": self.data_dir, "revision": self.revision}
        return {name: value for name, value in part.items() if value is not None}

    def __post_init__(self) -> None:
        """Raise UserError where two settings contradict each other."""
        if self.path is None and self.kind != "interactions":
            raise UserError(f"data.sources: {self.kind} needs a path")
        if self.gap > self.rating_scale - MIN_RATING:
            raise UserError(
                f"data.sources.gap: must be at most {self.rating_scale - MIN_RATING} with "
                f"rating_scale {self.rating_scale}, got {self.gap:g}"
            )


@settings_dataclass("data")
class DataConfig:
    """How training data is made; `social-sandbox data --help data` explains each setting."""

    mix: dict[str, Annotated[float, Field(ge=0)]] = field(
        default_factory=lambda: {"imitation": 5.0, "self_critic": 1.0, "realignment": 1.0}
    )
    n_interactions: Annotated[int, Field(ge=1)] | None = None
    group_size: Annotated[int, Field(ge=2)] | None = 3
    engagement_weight: Annotated[float, Field(ge=0)] = 1.0
    critique_rating: CritiqueRating = "agreement"
    endings: Literal["whole_sentence", "model"] = "whole_sentence"
    seed: int = 0
    sources: Annotated[tuple[SourceConfig, ...], one_or_many] | None = None
    leak_guard: bool = True
    leak_distance: Annotated[float, Field(ge=0, le=1)] = 0.15

    def __post_init__(self) -> None:
        """Raise UserError where settings contradict each other or a kind does not exist."""
        for kind in self.mix:
            if kind not in KINDS:
                raise UserError(f"data.mix.{kind}: no such kind; there are {', '.join(KINDS)}")
        if not any(self.mix.values()):
            raise UserError("data.mix: the weight of at least one kind must be above 0")
        if self.sources is not None:
            _check_weights([source.weight for source in self.sources])

    @property
    def takes_own_interactions(self) -> bool:
        """Whether the interactions of this run are among the sources."""
        return any(source.path is None for source in self.with_sources().sources or ())

    def with_sources(self) -> "DataConfig":
        """Return the settings with the default of `sources` written out."""
        return self if self.sources else replace(self, sources=(SourceConfig(kind="interactions"),))

    def made_with(self) -> dict[str, Any]:
        """Return the settings that the groups depend on, which those of the leak guard are not."""
        settings = asdict(self)
        del settings["leak_guard"], settings["leak_distance"]
        # Output folders of versions without these settings do not record them.
        for name in ("sources", "n_interactions"):
            if settings[name] is None:
                del settings[name]
        for source in settings.get("sources", ()):
            # Nor do earlier folders record the part of a data set.
            for name in ("name", "data_dir", "revision"):
                if source[name] is None:
                    del source[name]
        return settings


def _check_weights(weights: Sequence[float | None]) -> None:
    if not weights:
        raise UserError(
            "data.sources: must have at least one source; null means the interactions of this run"
        )
    given = [weight for weight in weights if weight is not None]
    if given and len(given) < len(weights):
        raise UserError("data.sources: either every source has a weight, or none")
    if given and not any(given):
        raise UserError("data.sources: the weight of at least one source must be above 0")
