"""Conversion of turns into observations, and of actions into utterances."""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..errors import UserError
from ..rules.turns import MIN_RATING, RATED_PHASES, Opinion, Turn, Utterance
from .spaces import NO_RATING, is_number

Observation = dict[str, Any]
Action = dict[str, Any]

IDLE = "idle"
"""The phase in the observation of an agent without a pending turn."""


def observation(agent: str, turn: Turn | None) -> Observation:
    """Return an agent's observation of its turn, or the idle observation if it has no turn."""
    result: Observation = {
        "role": agent.rpartition("_")[0],
        "phase": IDLE,
        "aspect": "",
        "question": "",
        "answer": "",
        "feedback": "",
        "mean_rating": np.array(NO_RATING),
        "memory_question": "",
        "memory_answer": "",
    }
    if turn is None:
        return result
    result |= {
        "phase": turn.phase.value,
        "aspect": turn.aspect or "",
        "question": turn.question,
        "answer": turn.answer,
        "feedback": "\n".join(map(_opinion_line, turn.opinions)),
    }
    if turn.mean_rating is not None:
        result["mean_rating"] = np.array(turn.mean_rating, dtype=np.float64)
    if turn.memory is not None:
        result |= {"memory_question": turn.memory.question, "memory_answer": turn.memory.answer}
    return result


def info(turn: Turn) -> dict[str, Any]:
    """Return the id of a turn, and the seed that a policy should sample from."""
    return {"turn": turn.id, "seed": turn.seed}


def to_action(utterance: Utterance) -> Action:
    """Return the action that stands for an utterance."""
    rating = NO_RATING if utterance.rating is None else utterance.rating
    return {"text": utterance.text, "rating": np.array(rating, dtype=np.float64)}


def to_utterance(action: object, turn: Turn, max_text_length: int) -> Utterance:
    """Return the utterance that an action stands for.

    A plain text or a plain number is taken as an action. In a phase that asks for a rating, a
    text is read as a rating if it is a number on the scale, alone or in the form
    `Rating: 5 ### Reason: ...`. A rating below 1 means that there is none. A rating in a phase
    that asks for none is ignored, if there is a text.

    Raises:
        UserError: The action is outside the action space; the message names agent and field.
    """
    place = f"action of {turn.agent}"
    text: Any
    rating: Any
    if isinstance(action, str):
        text, rating = _read(action, turn)
    elif is_number(action):
        if turn.phase not in RATED_PHASES:
            raise UserError(f"{place}: {turn.phase.value} asks for a text, got {action!r}")
        text, rating = "", action
    elif isinstance(action, Mapping) and action.keys() == {"text", "rating"}:
        text, rating = action["text"], action["rating"]
    else:
        raise UserError(
            f"{place}: needs the fields text and rating, or a text or a number alone, "
            f"got {action!r:.80}"
        )
    if not isinstance(text, str):
        raise UserError(f"{place}: text must be a str, got {type(text).__name__}")
    if len(text) > max_text_length:
        raise UserError(
            f"{place}: text must be at most {max_text_length} characters long, got {len(text)}"
        )
    try:
        rating = float(np.asarray(rating).item())
    except (TypeError, ValueError, OverflowError):
        kind = type(rating).__name__
        raise UserError(f"{place}: rating must be a number, got {kind}") from None
    if not NO_RATING <= rating <= turn.rating_scale:
        raise UserError(f"{place}: rating must be 0 (none) to {turn.rating_scale}, got {rating}")
    if turn.phase not in RATED_PHASES or rating < MIN_RATING:
        return Utterance(str(text))
    return Utterance(str(text), rating)


_VERDICT = re.compile(
    r"\s*(?:rating:\s*)?([0-9]+(?:\.[0-9]+)?)\s*(?:###\s*(?:reason:)?\s*(.*))?", re.I | re.S
)


def _read(text: str, turn: Turn) -> tuple[str, float]:
    """Return the text and the rating of a plain text, which has a rating only in a rated phase."""
    match = _VERDICT.fullmatch(text) if turn.phase in RATED_PHASES else None
    if match is None or not MIN_RATING <= float(match[1]) <= turn.rating_scale:
        return text, NO_RATING
    return (match[2] or "").strip(), float(match[1])


def _opinion_line(opinion: Opinion) -> str:
    """Return an opinion as one line, in the form in which prompts ask for ratings."""
    rating = "none" if opinion.rating is None else f"{opinion.rating:g}"
    return f"Rating: {rating} ### Reason: {' '.join(opinion.reason.split())}".rstrip()
