"""Settings of the training data."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Annotated, Any, Literal

from pydantic import ConfigDict

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.turns import (
    MIN_RATING,
    RATING_SCALE,
    RATING_SCALES,
)

from .groups import KINDS
from .lists import one_or_many

SourceKind = Literal["interactions", "hh", "authors", "preference", "prompt_completion", "groups"]


@dataclass(frozen=True, kw_only=True)
class SourceConfig:
    """One source of training data.

    Attributes:
        kind: its format. `interactions` of runs; `hh`: pairs as in HH-RLHF; `authors`: as the
            paper's authors released theirs; `preference` and `prompt_completion` of TRL; `groups`:
            rated groups, as the data stage writes them.
        path: a file, or a pattern such as `runs/*/simulation/interactions.jsonl`, or the hub id of
            a data set. Null for `interactions`: those of this run.
        weight: share of the groups from this source, relative to the others'; null for all
            sources: everything is kept.
        gap: how far apart the ratings of a chosen and a rejected reply lie, around the middle of
            the scale, where the pair has no ratings.
        rating_scale: ratings of pairs and demonstrations lie on 1..`rating_scale`.
        rater: who is said to have rated; null: `human` for `hh`, else the kind.
        split, name, data_dir, revision: of a data set of the hub: `split`, configuration, folder
            (such as `harmless-base` of Anthropic/hh-rlhf) and commit, branch or tag.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    kind: SourceKind
    path: str | None = None
    weight: float | None = None
    gap: float = 2.0
    rating_scale: int = RATING_SCALE
    rater: str | None = None
    split: str = "train"
    name: str | None = None
    data_dir: str | None = None
    revision: str | None = None

    @property
    def hub_part(self) -> dict[str, str]:
        """Which part of a data set of the hub is meant, as `datasets.load_dataset` is told."""
        part = {"name": self.name, "data_dir": self.data_dir, "revision": self.revision}
        return {name: value for name, value in part.items() if value is not None}

    def __post_init__(self) -> None:
        """Raise UserError naming the setting that makes no sense."""
        if self.path is None and self.kind != "interactions":
            raise UserError(f"data.sources: {self.kind} needs a path")
        if self.weight is not None and not 0 <= self.weight < math.inf:
            raise UserError(f"data.sources: weight must be at least 0, got {self.weight}")
        if self.rating_scale not in RATING_SCALES:
            listed = ", ".join(map(str, RATING_SCALES))
            raise UserError(
                f"data.sources: rating_scale must be one of {listed}, got {self.rating_scale}"
            )
        if not 0 < self.gap <= self.rating_scale - MIN_RATING:
            raise UserError(
                f"data.sources: gap must be above 0 and at most {self.rating_scale - MIN_RATING}, "
                f"got {self.gap}"
            )


@dataclass(frozen=True, kw_only=True)
class DataConfig:
    """How interactions become training data.

    Attributes:
        mix: groups of each kind, relative to each other (the authors released 5:1:1). All
            groups of the first kind with a weight that has any are kept; the others are thinned
            to fit.
        engagement_weight: a candidate's rating is the mean of the observers' alignment (weight
            1) and engagement (this weight).
        critique_rating: `agreement` rates a critique by how near it came to the observers;
            `authors` gives it the rating that it gave, as the authors' code does.
        seed: of the thinning and of the order of the groups.
        sources: null: the interactions of this run alone.
        leak_guard: whether a held-out question in the data is an error.
        leak_distance: cosine distance of embeddings below which a text is a near-duplicate of a
            held-out question.
    """

    mix: dict[str, float] = field(
        default_factory=lambda: {"imitation": 5.0, "self_critic": 1.0, "realignment": 1.0}
    )
    engagement_weight: float = 1.0
    critique_rating: Literal["agreement", "authors"] = "agreement"
    seed: int = 0
    sources: Annotated[tuple[SourceConfig, ...], one_or_many] | None = None
    leak_guard: bool = True
    leak_distance: float = 0.15

    def __post_init__(self) -> None:
        """Raise UserError naming the setting that makes no sense."""
        unknown = set(self.mix) - set(KINDS)
        if unknown:
            raise UserError(f"data.mix: no kind {', '.join(sorted(unknown))}; there are {KINDS}")
        if min(self.mix.values(), default=0) < 0 or not any(self.mix.values()):
            raise UserError("data.mix: weights must be >= 0, and one of them above 0")
        if self.engagement_weight < 0:
            raise UserError(
                f"data.engagement_weight must be at least 0, got {self.engagement_weight}"
            )
        if self.critique_rating not in ("agreement", "authors"):
            raise UserError(
                f"data.critique_rating must be agreement or authors, got {self.critique_rating!r}"
            )
        if not 0 <= self.leak_distance <= 1:
            raise UserError(f"data.leak_distance must be from 0 to 1, got {self.leak_distance}")
        if self.sources is not None:
            _check_weights([source.weight for source in self.sources])

    @property
    def takes_own_interactions(self) -> bool:
        """Whether the interactions of this run are among the sources."""
        return any(source.path is None for source in self.with_sources().sources or ())

    def with_sources(self) -> "DataConfig":
        """The same with the default of `sources` written out."""
        return self if self.sources else replace(self, sources=(SourceConfig(kind="interactions"),))

    def made_with(self) -> dict[str, Any]:
        """The settings that decide what the groups are; the leak guard only watches."""
        settings = asdict(self)
        del settings["leak_guard"], settings["leak_distance"]
        if self.sources is None:
            # A folder that was made before there were sources is still the same.
            del settings["sources"]
        for source in settings.get("sources", ()):
            # And one that was made before a part of a data set could be named.
            for name in ("name", "data_dir", "revision"):
                if source[name] is None:
                    del source[name]
        return settings


def _check_weights(weights: Sequence[float | None]) -> None:
    if not weights:
        raise UserError("data.sources: is empty; null means the interactions of this run")
    given = [weight for weight in weights if weight is not None]
    if given and len(given) < len(weights):
        raise UserError("data.sources: give every source a weight, or none")
    if given and not any(given):
        raise UserError("data.sources: one weight must be above 0")
