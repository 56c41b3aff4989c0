"""Between the rules and PettingZoo: turns become observations, actions become utterances."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from .errors import UserError
from .spaces import NO_RATING
from .turns import MIN_RATING, RATED_PHASES, Opinion, Turn, Utterance

Observation = dict[str, Any]
Action = dict[str, Any]

IDLE = "idle"
"""The phase of an agent that is asked nothing now."""


def observation(agent: str, turn: Turn | None) -> Observation:
    """What an agent sees of its turn, or that it has none."""
    seen: Observation = {
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
        return seen
    seen |= {
        "phase": turn.phase.value,
        "aspect": turn.aspect or "",
        "question": turn.question,
        "answer": turn.answer,
        "feedback": "\n".join(map(_line, turn.opinions)),
    }
    if turn.mean_rating is not None:
        seen["mean_rating"] = np.array(turn.mean_rating, dtype=np.float64)
    if turn.memory is not None:
        seen |= {"memory_question": turn.memory.question, "memory_answer": turn.memory.answer}
    return seen


def info(turn: Turn) -> dict[str, Any]:
    """What traces an observation to its turn, and the seed from which a policy should sample."""
    return {"turn": turn.id, "seed": turn.seed}


def to_action(utterance: Utterance) -> Action:
    """The action that says this utterance."""
    rating = NO_RATING if utterance.rating is None else utterance.rating
    return {"text": utterance.text, "rating": np.array(rating, dtype=np.float64)}


def to_utterance(action: object, turn: Turn, max_text_length: int) -> Utterance:
    """The utterance of an action; a rating below 1 is none, and so is one that nobody asked for.

    Raises UserError naming the agent and the field if the action is outside the action space.
    """
    where = f"action of {turn.agent}"
    if not isinstance(action, Mapping) or action.keys() != {"text", "rating"}:
        raise UserError(f"{where}: needs the fields text and rating, got {action!r:.80}")
    text = action["text"]
    if not isinstance(text, str):
        raise UserError(f"{where}: text must be a str, got {type(text).__name__}")
    if len(text) > max_text_length:
        raise UserError(
            f"{where}: text must be at most {max_text_length} characters long, got {len(text)}"
        )
    try:
        rating = float(action["rating"])
    except (TypeError, ValueError):
        kind = type(action["rating"]).__name__
        raise UserError(f"{where}: rating must be a number, got {kind}") from None
    if not NO_RATING <= rating <= turn.rating_scale:
        raise UserError(f"{where}: rating must be 0 (none) to {turn.rating_scale}, got {rating}")
    if turn.phase not in RATED_PHASES or rating < MIN_RATING:
        return Utterance(text)
    return Utterance(text, rating)


def _line(opinion: Opinion) -> str:
    """An opinion on one line, in the form in which ratings are asked for."""
    rating = "none" if opinion.rating is None else f"{opinion.rating:g}"
    return f"Rating: {rating} ### Reason: {' '.join(opinion.reason.split())}".rstrip()
