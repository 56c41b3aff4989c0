"""A society as an Inspect log: a sample for each interaction."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from social_sandbox.envs.rules.interactions import Answer, Feedback, Interaction, Observation
from social_sandbox.envs.rules.turns import ASPECTS, JUDGED, Aspect, Judged, Tokens

from .log import answer_output, identifier, make_log, model_usage, sample_error, score


def society_log(
    interactions: Sequence[Interaction], source: Path, metadata: Mapping[str, Any]
) -> Any:
    """Return an `EvalLog` whose samples are interactions.

    The messages of a sample are the question, the draft, the feedback in the order in which the
    agent read it, and the revision. Its scores are the observers' mean ratings of alignment and
    engagement before and after, and the mean of the peers' ratings. Errors, missing ratings and
    answers that were cut off are marked as Inspect does.

    Args:
        interactions: The interactions.
        source: Their file.
        metadata: Further fields of the header.
    """
    spoken = [each for one in interactions for each in (one.draft, one.revision)]
    return make_log(
        "society",
        [_sample(interaction) for interaction in interactions],
        source=source,
        models=sorted({answer.policy or "unknown" for answer in spoken}),
        usage=_usage(interactions),
        metadata=metadata,
    )


def _sample(interaction: Interaction) -> Any:
    from inspect_ai.log import EvalSample

    revision = interaction.revision
    return EvalSample(
        id=interaction.id,
        epoch=1,
        uuid=identifier("interaction", interaction.id, interaction.question, revision.text),
        input=interaction.question,
        target="",
        messages=_messages(interaction),
        output=answer_output(
            revision.policy, revision.text, revision.error, cut_off=revision.cut_off
        ),
        scores=_scores(interaction),
        metadata=_metadata(interaction),
        model_usage={name: model_usage(tokens) for name, tokens in _usage([interaction]).items()},
        error=sample_error(
            *(f"{name}: {one.error}" for name, one in _answers(interaction) if one.error),
            *(f"{one.peer}: {one.error}" for one in interaction.feedback if one.error),
            *(f"{one.observer}: {one.error}" for one in interaction.observations if one.error),
        ),
    )


def _messages(interaction: Interaction) -> list[Any]:
    from inspect_ai.model import ChatMessageAssistant, ChatMessageUser

    def place(number: int) -> str:
        return identifier("message", interaction.id, str(number))

    draft, revision = interaction.draft, interaction.revision
    messages: list[Any] = [
        ChatMessageUser(
            id=place(0),
            content=interaction.question,
            source="input",
            metadata={"phase": "question"},
        ),
        ChatMessageAssistant(
            id=place(1),
            content=draft.text,
            source="generate",
            model=draft.policy or None,
            metadata={"phase": "draft", "agent": interaction.agent, **_spoken(draft)},
        ),
    ]
    for number, one in enumerate(interaction.feedback, start=2):
        rating = "no rating" if one.rating is None else f"rating {one.rating:g}"
        messages.append(
            ChatMessageUser(
                id=place(number),
                content=f"{one.peer}, {rating}: {one.reason}",
                metadata={
                    **{"phase": "feedback", "peer": one.peer, "rating": one.rating},
                    **{"reason": one.reason, "policy": one.policy, **_spoken(one)},
                },
            )
        )
    return [
        *messages,
        ChatMessageAssistant(
            id=place(len(messages)),
            content=revision.text,
            source="generate",
            model=revision.policy or None,
            metadata={"phase": "revision", "agent": interaction.agent, **_spoken(revision)},
        ),
    ]


def _spoken(one: Answer | Feedback) -> dict[str, Any]:
    return {"tokens": asdict(one.tokens), "cut_off": one.cut_off, "error": one.error}


def _scores(interaction: Interaction) -> dict[str, Any]:
    scores = {
        f"{aspect}_{judged}": score(
            interaction.rating(aspect, judged),
            "no observer gave a rating",
            ratings=_of_observers(interaction, aspect, judged),
        )
        for aspect in ASPECTS
        for judged in JUDGED
    }
    ratings = {one.peer: one.rating for one in interaction.feedback}
    scores["peers"] = score(interaction.mean_rating, "no peer gave a rating", ratings=ratings)
    return scores


def _of_observers(interaction: Interaction, aspect: Aspect, judged: Judged) -> list[dict[str, Any]]:
    return [
        {"observer": one.observer, "rating": one.rating, "reason": one.reason, "error": one.error}
        for one in interaction.observations
        if one.aspect == aspect and one.judged == judged
    ]


def _metadata(interaction: Interaction) -> dict[str, Any]:
    memory = interaction.memory
    rated = [one.rating for one in interaction.feedback]
    rated += [one.rating for one in interaction.observations]
    return {
        "world": interaction.world,
        "round": interaction.round,
        "agent": interaction.agent,
        "peers": [one.peer for one in interaction.feedback],
        "row": interaction.position[0],
        "column": interaction.position[1],
        "view": interaction.view,
        "kind": interaction.kind,
        "memory": None if memory is None else asdict(memory),
        "reward": interaction.reward,
        "rating_scale": interaction.rating_scale,
        "seed": str(interaction.seed),  # a JavaScript viewer would round it
        "policies": {name: one.policy for name, one in _answers(interaction)}
        | {one.peer: one.policy for one in interaction.feedback}
        | {one.observer: one.policy for one in interaction.observations},
        "tokens": asdict(sum(_usage([interaction]).values(), Tokens())),
        "missing_ratings": sum(rating is None for rating in rated),
        "cut_off": [name for name, one in _answers(interaction) if one.cut_off],
    }


def _answers(interaction: Interaction) -> tuple[tuple[str, Answer], ...]:
    return ("draft", interaction.draft), ("revision", interaction.revision)


def _usage(interactions: Iterable[Interaction]) -> dict[str, Tokens]:
    """Return the tokens that each policy has read and written."""
    usage: dict[str, Tokens] = defaultdict(Tokens)
    for interaction in interactions:
        spoken: list[Answer | Feedback | Observation] = [interaction.draft, interaction.revision]
        for one in (*spoken, *interaction.feedback, *interaction.observations):
            usage[one.policy or "unknown"] += one.tokens
    return dict(usage)
