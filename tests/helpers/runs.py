"""A small finished run on disk: a society, training data, and answers of two models."""

from dataclasses import replace
from pathlib import Path

from social_sandbox.envs import Interaction, Phase, Turn, Utterance
from social_sandbox.envs.rules.interactions import write_interactions
from social_sandbox.envs.text.jsonl import write_objects

from .societies import QUESTIONS, play, society

SENTENCES = (
    "Lend only what you can miss, and say so.",
    "Ask the owner first; a collar often has a number.",
    "Cheating hides what you do not know yet.",
    "Knock at the door before you call anybody.",
)


def speak(turn: Turn) -> Utterance:
    """Answer with a sentence, a better one in the revision; every seventh rating is missing."""
    number = turn.seed % 97
    text = SENTENCES[number % len(SENTENCES)]
    if turn.phase is Phase.DRAFT:
        return Utterance(f"Well, {text.lower()}", cut_off=number % 5 == 0)
    if turn.phase is Phase.REVISE:
        return Utterance(f"{text} Kindness costs nothing.", error="timeout" if number == 1 else "")
    rating = None if number % 7 == 0 else 1 + number % 7
    reason = f"Because of reason {number}." if turn.phase is Phase.FEEDBACK else ""
    return Utterance(reason, rating)


def interactions(rounds: int = 3, grid: int = 3) -> list[Interaction]:
    """Return the interactions of a society that has ended."""
    world = society(grid_size=grid, n_rounds=rounds, n_peers=2, n_observers=2)
    return list(play(world, speak).interactions)


def with_texts(one: Interaction, text: str) -> Interaction:
    """Return an interaction all of whose free texts are this one, and whose kind is."""
    return replace(
        one,
        question=text,
        kind=text[:200],
        draft=replace(one.draft, text=text),
        revision=replace(one.revision, text=f"{text} better", error=text),
        feedback=[replace(given, reason=text) for given in one.feedback],
    )


def write_run(folder: Path, finished: list[Interaction] | None = None) -> Path:
    """Write the files of a run, and return its folder."""
    finished = interactions() if finished is None else finished
    (folder / "simulation").mkdir(parents=True)
    write_interactions(folder / "simulation" / "interactions.jsonl", finished)
    (folder / "data").mkdir()
    write_objects(folder / "data" / "groups.jsonl", [group(one) for one in finished])
    (folder / "evaluation").mkdir()
    answers = [
        {"question": question.text, "kind": question.kind, "sample": 0}
        | {
            model: {"answer": f"The {model} model says hello.", "alignment": 4.0 + place}
            for place, model in enumerate(("base", "aligned"))
        }
        for question in QUESTIONS
    ]
    write_objects(folder / "evaluation" / "answers.jsonl", answers)
    return folder


def group(one: Interaction) -> dict[str, object]:
    """Return a group of the draft and the revision of an interaction."""
    return {
        "id": f"imitation:{one.id}",
        "kind": "imitation",
        "prompt": [{"role": "user", "content": one.question}],
        "candidates": [
            {
                "text": said.text,
                "rating": rating,
                "rater": "observer_0",
                "valid": True,
                "source": {"interaction": one.id, "agent": one.agent, "phase": phase},
                "ends": not said.cut_off,
            }
            for said, rating, phase in ((one.draft, 2.0, "draft"), (one.revision, 5.5, "revise"))
        ],
        "rating_scale": one.rating_scale,
    }
