"""Interactions -> rated groups: imitation, self-critic and realignment data.

Source: arXiv 2305.16960, section 3.2.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from social_sandbox.envs.combined import combined_rating
from social_sandbox.envs.errors import UserError
from social_sandbox.envs.interactions import Answer, Interaction, mean
from social_sandbox.envs.messages import Conversation
from social_sandbox.envs.seeding import key
from social_sandbox.envs.turns import (
    JUDGED,
    MIN_RATING,
    Judged,
    Opinion,
    Phase,
)
from social_sandbox.policies.prompts.prompts import (
    answer_messages,
    rating_messages,
    revision_messages,
)
from social_sandbox.policies.prompts.ratings import format_verdict

from .config import DataConfig
from .groups import KINDS, Candidate, RatedGroup, Source


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


def imitation(interactions: Iterable[Interaction], engagement_weight: float) -> list[RatedGroup]:
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


def realignment(interactions: Iterable[Interaction], engagement_weight: float) -> list[RatedGroup]:
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
    ratings = (done.rating("alignment", judged), done.rating("engagement", judged))
    return combined_rating(*ratings, engagement_weight)


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
    kind: str, what: str, prompt: Conversation, said: Sequence[Candidate], rating_scale: int
) -> RatedGroup:
    """A group without repeated texts: the same text said twice keeps its mean rating."""
    by_text: dict[str, list[Candidate]] = defaultdict(list)
    for candidate in said:
        by_text[candidate.text].append(candidate)
    return RatedGroup(
        id=f"{kind}:{what}",
        kind=kind,
        rating_scale=rating_scale,
        prompt=prompt,
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
