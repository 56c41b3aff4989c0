"""Rated groups from interactions: imitation, self-critic and realignment data.

Source: arXiv 2305.16960, section 3.2.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from pydantic import TypeAdapter

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.rules.combined import combined_rating
from social_sandbox.envs.rules.interactions import Answer, Interaction, mean
from social_sandbox.envs.rules.seeding import key
from social_sandbox.envs.rules.turns import JUDGED, MIN_RATING, Judged, Phase
from social_sandbox.envs.text.messages import Conversation
from social_sandbox.policies.prompts.prompts import (
    answer_messages,
    rating_messages,
    revision_messages,
)
from social_sandbox.policies.prompts.ratings import format_verdict
from social_sandbox.policies.prompts.sentences import ends_sentence

from .config import CritiqueRating, DataConfig
from .groups import KINDS, Candidate, RatedGroup, Source
from .parts import in_parts
from .storage.on_disk import Bundles, Shelf

_CANDIDATE: TypeAdapter[Candidate] = TypeAdapter(Candidate)


def build_groups(
    interactions: Iterable[Interaction],
    config: DataConfig,
    dropped: Counter[str] | None = None,
    parted: Counter[str] | None = None,
) -> Sequence[RatedGroup]:
    """Return the rated groups of all kinds, parted, mixed, and in a seeded order.

    An interaction without an observer's rating of alignment gives no group. The mix counts parts,
    so that a society of any size is read whole.

    Args:
        interactions: Interactions whose ratings share one scale. They are gone through once, and
            none is kept.
        config: Mix of the kinds, size of the parts, weight of engagement, rating of critiques,
            endings, and the seed.
        dropped: Counts interactions and groups that are left out, by reason.
        parted: Counts the `groups` that are larger than `config.group_size`, and their `parts`.

    Returns:
        A list; of many groups, a sequence that reads each from the disk.

    Raises:
        UserError: The interactions have two rating scales; their ratings cannot be compared.
    """
    drafts, shelf = Bundles(), Shelf()
    parted = Counter() if parted is None else parted
    if config.group_size is not None:
        parted.update(groups=0, parts=0)
    found: set[int] = set()
    n = rated = 0
    for n, interaction in enumerate(interactions, start=1):  # noqa: B007
        found.add(interaction.rating_scale)
        if not _has_alignment(interaction):
            continue
        rated += 1
        _imitate(drafts, interaction, config.engagement_weight)
        for group in (
            *self_critic([interaction], config.critique_rating),
            *realignment([interaction], config.engagement_weight),
        ):
            _shelve(shelf, group, config, parted)
    scales = sorted(found)
    if len(scales) > 1:
        raise UserError(
            f"interactions: rated on 1..{scales[0]} and on 1..{scales[-1]}; "
            "make data from those of one env.rating_scale at a time"
        )
    for group in _imitation_groups(drafts):
        _shelve(shelf, group, config, parted)
    made = {kind: shelf.sizes[KINDS.index(kind)] for kind in KINDS}
    weighted = [kind for kind in KINDS if config.mix.get(kind, 0) > 0]
    # Without reasons from peers there are no self_critic groups, and they cannot set the size.
    base = next((kind for kind in weighted if made[kind]), weighted[0])
    most = {
        kind: max(round(made[base] * config.mix[kind] / config.mix[base]), 1) for kind in weighted
    }
    if dropped is not None:
        dropped["interaction without a rating of alignment"] += n - rated
        for kind in KINDS:
            left_out = max(made[kind] - most.get(kind, 0), 0)
            dropped[f"of kind {kind} left out for data.mix"] += left_out
    return shelf.kept({KINDS.index(kind): count for kind, count in most.items()})


def _shelve(shelf: Shelf, group: RatedGroup, config: DataConfig, parted: Counter[str]) -> None:
    """Put a group on the shelf, in parts if it is too large."""
    if config.endings == "whole_sentence":
        group = _with_endings(group)
    parts = [group]
    if config.group_size is not None:
        parts = list(in_parts(parts, config.group_size, config.seed))
        n_parts = sum(part.id != group.id for part in parts)
        parted.update(groups=n_parts > 0, parts=n_parts)
    for part in parts:
        shelf.add(
            part,
            pile=KINDS.index(part.kind),
            rank=key(config.seed, part.id),
            place=key(config.seed, "order", part.id),
        )


def _with_endings(group: RatedGroup) -> RatedGroup:
    """Return a group in which a text that a limit cut back to a whole sentence ends there."""
    candidates = (
        replace(each, ends=each.ends or ends_sentence(each.text)) for each in group.candidates
    )
    return replace(group, candidates=tuple(candidates))


def imitation(interactions: Iterable[Interaction], engagement_weight: float) -> list[RatedGroup]:
    """Return a group for each question: all drafts and revisions with their combined ratings."""
    drafts = Bundles()
    for interaction in _with_alignment(interactions):
        _imitate(drafts, interaction, engagement_weight)
    return list(_imitation_groups(drafts))


def _imitate(drafts: Bundles, interaction: Interaction, engagement_weight: float) -> None:
    """Add an interaction's draft and revision to the candidates of its question."""
    question = json.dumps([interaction.question, interaction.rating_scale]).encode()
    answers: tuple[tuple[Judged, Answer, Phase], ...] = (
        ("draft", interaction.draft, Phase.DRAFT),
        ("revision", interaction.revision, Phase.REVISE),
    )
    for judged, answer, phase in answers:
        candidate = _candidate(
            answer.text,
            _rating(interaction, judged, engagement_weight),
            _raters(interaction, judged),
            Source(interaction.id, interaction.agent, phase),
            not answer.cut_off,
        )
        drafts.add(question, question, _CANDIDATE.dump_json(candidate))


def _imitation_groups(drafts: Bundles) -> Iterator[RatedGroup]:
    for head, items in drafts:
        question, rating_scale = json.loads(head)
        candidates = [_CANDIDATE.validate_json(item) for item in items]
        yield _group("imitation", question, answer_messages(question), candidates, rating_scale)


def self_critic(
    interactions: Iterable[Interaction], critique_rating: CritiqueRating
) -> list[RatedGroup]:
    """Return a group for each draft: the critiques of the draft by its author's peers.

    Args:
        interactions: Interactions; peers who gave no rating or no reason give no critique.
        critique_rating: How a critique is rated, see `DataConfig`.
    """
    groups = []
    for interaction in _with_alignment(interactions):
        observed = interaction.rating("alignment", "draft")
        change = interaction.change("alignment")
        scale = interaction.rating_scale
        critiques = [
            _candidate(
                format_verdict(feedback.rating, feedback.reason),
                _critique_rating(feedback.rating, observed, change, critique_rating, scale),
                feedback.peer if critique_rating == "authors" else _raters(interaction, "draft"),
                Source(interaction.id, feedback.peer, Phase.FEEDBACK),
                not feedback.cut_off,
            )
            for feedback in interaction.feedback
            if feedback.rating is not None and feedback.reason.strip()
        ]
        if critiques:
            prompt = rating_messages(
                interaction.question, interaction.draft.text, "alignment", rating_scale=scale
            )
            groups.append(_group("self_critic", interaction.id, prompt, critiques, scale))
    return groups


def realignment(interactions: Iterable[Interaction], engagement_weight: float) -> list[RatedGroup]:
    """Return a group for each interaction whose revision is better: the revision.

    A revision is better if its alignment rose and ended above the midpoint of the scale, and its
    combined rating did not fall: a bare refusal raises alignment, and is not to be learnt from.
    """
    groups = []
    for interaction in _with_alignment(interactions):
        alignment = interaction.rating("alignment", "revision")
        change = interaction.change("alignment")
        midpoint = (MIN_RATING + interaction.rating_scale) / 2
        if alignment is None or change is None or alignment <= midpoint or change <= 0:
            continue
        draft, revision = (_rating(interaction, judged, engagement_weight) for judged in JUDGED)
        if draft is not None and revision is not None and revision < draft:
            continue
        prompt = revision_messages(
            interaction.question,
            interaction.draft.text,
            interaction.mean_rating,
            interaction.opinions,
            interaction.rating_scale,
        )
        candidate = _candidate(
            interaction.revision.text,
            revision,
            _raters(interaction, "revision"),
            Source(interaction.id, interaction.agent, Phase.REVISE),
            not interaction.revision.cut_off,
        )
        groups.append(
            _group("realignment", interaction.id, prompt, [candidate], interaction.rating_scale)
        )
    return groups


def _with_alignment(interactions: Iterable[Interaction]) -> Iterator[Interaction]:
    """Yield the interactions whose draft or revision has a rating of alignment."""
    return filter(_has_alignment, interactions)


def _has_alignment(interaction: Interaction) -> bool:
    return any(interaction.rating("alignment", judged) is not None for judged in JUDGED)


def _rating(interaction: Interaction, judged: Judged, engagement_weight: float) -> float | None:
    ratings = (interaction.rating("alignment", judged), interaction.rating("engagement", judged))
    return combined_rating(*ratings, engagement_weight)


def _critique_rating(
    rating: float | None,
    observed: float | None,
    change: float | None,
    critique_rating: CritiqueRating,
    rating_scale: int,
) -> float | None:
    """Return the rating of a critique that gave a draft a rating."""
    if rating is None or critique_rating == "authors":
        return rating
    if observed is None or (critique_rating == "rise" and change is None):
        return None
    if critique_rating == "rise" and (change or 0.0) <= 0:
        return float(MIN_RATING)
    return max(float(MIN_RATING), rating_scale - abs(rating - observed))


def _raters(interaction: Interaction, judged: Judged) -> str:
    return _joined(
        observation.observer
        for observation in interaction.observations
        if observation.judged == judged and observation.rating is not None
    )


def _joined(names: Iterable[str]) -> str:
    return ",".join(sorted(set(names)))


def _candidate(
    text: str, rating: float | None, rater: str, source: Source, ends: bool
) -> Candidate:
    return Candidate(text.strip(), rating, rater, bool(text.strip()), source, ends)


def _group(
    kind: str,
    name: str,
    prompt: Conversation,
    candidates: Sequence[Candidate],
    rating_scale: int,
) -> RatedGroup:
    by_text: dict[str, list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        by_text[candidate.text].append(candidate)
    return RatedGroup(
        id=f"{kind}:{name}",
        kind=kind,
        rating_scale=rating_scale,
        prompt=tuple(prompt),
        candidates=tuple(_merged(same) for same in by_text.values()),
    )


def _merged(same: Sequence[Candidate]) -> Candidate:
    """Return candidates of one text as one candidate, with their mean rating and all raters."""
    rated = [candidate for candidate in same if candidate.rating is not None]
    return Candidate(
        same[0].text,
        mean(candidate.rating for candidate in same),
        _joined(name for candidate in rated or same for name in candidate.rater.split(",") if name),
        same[0].valid,
        same[0].source,
        any(candidate.ends for candidate in same),
    )
