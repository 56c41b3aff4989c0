"""Interactions -> rated groups: imitation, self-critic and realignment data.

Source: arXiv 2305.16960, section 3.2.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Annotated, Any, Literal

from pydantic import ConfigDict

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.interactions import Answer, Interaction, mean
from social_sandbox.envs.seeding import key
from social_sandbox.envs.turns import (
    JUDGED,
    MIN_RATING,
    RATING_SCALE,
    RATING_SCALES,
    Judged,
    Opinion,
    Phase,
)
from social_sandbox.policies.prompts import (
    Messages,
    answer_messages,
    rating_messages,
    revision_messages,
)
from social_sandbox.policies.ratings import format_verdict

from .groups import Candidate, Message, RatedGroup, Source
from .lists import one_or_many

KINDS = ("imitation", "self_critic", "realignment")

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


def build_groups(
    interactions: Sequence[Interaction],
    config: DataConfig,
    dropped: Counter[str] | None = None,
) -> list[RatedGroup]:
    """All rated groups, mixed and in a seeded order.

    An interaction whose observers gave no alignment rating yields nothing. What is left out is
    counted in `dropped`, by reason. Raises UserError for interactions whose rating scales differ:
    their ratings could not be compared.
    """
    scales = sorted({done.rating_scale for done in interactions})
    if len(scales) > 1:
        raise UserError(
            f"interactions: rated on 1..{scales[0]} and on 1..{scales[-1]}; "
            "make data from those of one env.rating_scale at a time"
        )
    made = {
        "imitation": imitation(interactions, config.engagement_weight),
        "self_critic": self_critic(interactions, config.critique_rating),
        "realignment": realignment(interactions, config.engagement_weight),
    }
    weighted = [kind for kind in KINDS if config.mix.get(kind, 0) > 0]
    # Where no peer gave a reason, there is no self_critic.
    base = next((kind for kind in weighted if made[kind]), weighted[0])
    kept = []
    for kind in weighted:
        groups = sorted(made[kind], key=lambda group: key(config.seed, group.id))
        most = round(len(made[base]) * config.mix[kind] / config.mix[base])
        kept += groups[: max(most, 1)]
    if dropped is not None:
        observed = sum(1 for _ in _observed(interactions))
        dropped["interaction without a rating of alignment"] += len(interactions) - observed
        for kind, groups in made.items():
            here = sum(group.kind == kind for group in kept)
            dropped[f"{kind} group left out for data.mix"] += len(groups) - here
    return sorted(kept, key=lambda group: key(config.seed, "order", group.id))


def imitation(
    interactions: Iterable[Interaction], engagement_weight: float = 0.0
) -> list[RatedGroup]:
    """One group a question: every draft and revision, with the observers' ratings."""
    candidates: dict[tuple[str, int], list[Candidate]] = defaultdict(list)
    for done in _observed(interactions):
        answers: tuple[tuple[Judged, Answer, Phase], ...] = (
            ("draft", done.draft, Phase.DRAFT),
            ("revision", done.revision, Phase.REVISE),
        )
        for judged, answer, phase in answers:
            rating = _rating(done, judged, engagement_weight)
            source = Source(done.id, done.agent, phase)
            candidates[done.question, done.rating_scale].append(
                _candidate(
                    answer.text, rating, _observers(done, judged), source, not answer.cut_off
                )
            )
    return [
        _group("imitation", question, answer_messages(question), said, rating_scale)
        for (question, rating_scale), said in candidates.items()
    ]


def self_critic(
    interactions: Iterable[Interaction], critique_rating: Literal["agreement", "authors"]
) -> list[RatedGroup]:
    """One group a draft: the critiques of it, in the form in which peers are asked for them."""
    groups = []
    for done in _observed(interactions):
        observed = done.rating("alignment", "draft")
        critiques = [
            _candidate(
                format_verdict(feedback.rating, feedback.reason),
                _critique_rating(feedback.rating, observed, critique_rating, done.rating_scale),
                _observers(done, "draft") if critique_rating == "agreement" else feedback.peer,
                Source(done.id, feedback.peer, Phase.FEEDBACK),
                not feedback.cut_off,
            )
            for feedback in done.feedback
            if feedback.rating is not None and feedback.reason.strip()
        ]
        if critiques:
            prompt = rating_messages(
                done.question, done.draft.text, "alignment", rating_scale=done.rating_scale
            )
            groups.append(_group("self_critic", done.id, prompt, critiques, done.rating_scale))
    return groups


def realignment(
    interactions: Iterable[Interaction], engagement_weight: float = 0.0
) -> list[RatedGroup]:
    """One group an interaction whose alignment rose and ended above the midpoint: its revision.

    Nor may the candidate's rating, with engagement weighed in, have fallen: a bare refusal
    raises alignment, and is no revision to learn from.
    """
    groups = []
    for done in _observed(interactions):
        after, change = done.rating("alignment", "revision"), done.change("alignment")
        if (
            after is None
            or change is None
            or after <= (MIN_RATING + done.rating_scale) / 2
            or change <= 0
        ):
            continue
        before, now = (_rating(done, judged, engagement_weight) for judged in JUDGED)
        if before is not None and now is not None and now < before:
            continue
        opinions = [Opinion(f.peer, f.rating, f.reason) for f in done.feedback]
        prompt = revision_messages(
            done.question, done.draft.text, done.mean_rating, opinions, done.rating_scale
        )
        revised = _candidate(
            done.revision.text,
            _rating(done, "revision", engagement_weight),
            _observers(done, "revision"),
            Source(done.id, done.agent, Phase.REVISE),
            not done.revision.cut_off,
        )
        groups.append(_group("realignment", done.id, prompt, [revised], done.rating_scale))
    return groups


def _observed(interactions: Iterable[Interaction]) -> Iterator[Interaction]:
    for done in interactions:
        if any(done.rating("alignment", judged) is not None for judged in JUDGED):
            yield done


def _rating(done: Interaction, judged: Judged, engagement_weight: float) -> float | None:
    alignment, engagement = done.rating("alignment", judged), done.rating("engagement", judged)
    if alignment is None or engagement is None or not engagement_weight:
        return alignment
    return (alignment + engagement_weight * engagement) / (1 + engagement_weight)


def _critique_rating(
    given: float | None,
    observed: float | None,
    how: Literal["agreement", "authors"],
    rating_scale: int,
) -> float | None:
    if given is None or how == "authors":
        return given
    if observed is None:
        return None
    return max(float(MIN_RATING), rating_scale - abs(given - observed))


def _observers(done: Interaction, judged: Judged) -> str:
    names = {o.observer for o in done.observations if o.judged == judged and o.rating is not None}
    return ",".join(sorted(names))


def _candidate(
    text: str, rating: float | None, rater: str, source: Source, ends: bool
) -> Candidate:
    return Candidate(text.strip(), rating, rater, bool(text.strip()), source, ends)


def _group(
    kind: str, what: str, prompt: Messages, said: Sequence[Candidate], rating_scale: int
) -> RatedGroup:
    """A group without repeated texts: the same text said twice keeps its mean rating."""
    by_text: dict[str, list[Candidate]] = defaultdict(list)
    for candidate in said:
        by_text[candidate.text].append(candidate)
    return RatedGroup(
        id=f"{kind}:{what}",
        kind=kind,
        rating_scale=rating_scale,
        prompt=tuple(Message(m["role"], m["content"]) for m in prompt),  # type: ignore[arg-type]
        candidates=tuple(
            Candidate(
                text,
                mean(c.rating for c in same),
                same[0].rater,
                same[0].valid,
                same[0].source,
                any(c.ends for c in same),
            )
            for text, same in by_text.items()
        ),
    )
