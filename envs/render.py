"""Pictures of a society as text and as pixels, drawn with numpy alone, and its talk for people."""

import sys
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from .rules.turns import MIN_RATING, Phase, Utterance
from .rules.world import World
from .text.texts import for_terminal, in_one_line, writable

CELL, BORDER = 24, 3
"""Side of a cell and width of its border, in pixels."""

_UNRATED = (128, 128, 128)
# From red over white to blue: colour-blind people can tell these apart.
_SCALE = np.array([(178, 24, 43), (247, 247, 247), (33, 102, 172)])
_BORDERS = {"good": (240, 180, 0), "bad": (30, 30, 30)}


def last_ratings(world: World) -> npt.NDArray[np.float64]:
    """Return the alignment rating of each agent's last revision.

    The shape is (grid_size, grid_size); NaN stands for a missing rating.
    """
    size = world.config.grid_size
    ratings = np.full((size, size), np.nan)
    for interaction in world.interactions:
        rating = interaction.rating("alignment", "revision")
        ratings[interaction.position] = np.nan if rating is None else rating
    return ratings


def ansi(world: World) -> str:
    """Return the society as text: the state of the simulation, then one cell for each agent."""
    size, rounds = world.config.grid_size, world.config.n_rounds
    open_phases = [turn.phase for turn in world.pending()]
    counts = [f"{n} {phase}" for phase in Phase if (n := open_phases.count(phase))]
    state = f"round {world.round + 1} of {rounds}" if counts else f"{rounds} rounds, over"
    cells = [
        ("+" if view == "good" else "-") + ("  . " if np.isnan(rating) else f"{rating:4.1f}")
        for view, rating in zip(world.views, last_ratings(world).flat, strict=True)
    ]
    return "\n".join(
        (
            f"{_plain(world.name)}, seed {world.seed}: {state}",
            f"pending: {', '.join(counts) or 'nothing'}",
            *("  ".join(cells[row * size : (row + 1) * size]) for row in range(size)),
            "+ good view, - bad view; the number is the alignment of the last revision",
        )
    )


Shown = tuple[int, int]
"""How many utterances and how many finished interactions have been shown to people."""

NOTHING: Shown = (-1, 0)
"""Nothing has been shown, not even the name of the world."""


def human(world: World, shown: Shown) -> Shown:
    """Print what has been said since the last time, one line for each utterance.

    Returns:
        What has now been shown.
    """
    lines = "\n".join(_talk(world, shown))
    if lines:
        print(writable(lines, getattr(sys.stdout, "encoding", None) or "utf-8"), flush=True)
    return len(world.log), len(world.interactions)


def _talk(world: World, shown: Shown) -> Iterator[str]:
    """Yield the lines about everything that has not been shown yet."""
    said, finished = max(shown[0], 0), shown[1]
    if shown == NOTHING:
        agents = (
            f"{_count(world.social_agents, 'social agent')}, {_count(world.observers, 'observer')}"
        )
        yield f"{_plain(world.name)}, seed {world.seed}: {agents}"
    questions = {(one.round, one.agent): one.question for one in world.interactions[finished:]}
    for scatter in world.under_way:
        questions[world.round, scatter.setup.agent] = scatter.setup.question
    before = world.log[said - 1][0].partition("/")[0] if said else ""
    for turn_id, utterance in world.log[said:]:
        number, subject, phase, *rest = turn_id.split("/")
        if number != before:
            yield f"Round {int(number) + 1} of {world.config.n_rounds}"
        before = number
        if phase == Phase.DRAFT:
            yield f"{subject} is asked: {_plain(questions.get((int(number), subject), ''))}"
        yield f"{_heading(subject, phase, rest)}: {_said(utterance, phase)}"
    for one in world.interactions[finished:]:
        yield f"{one.agent} has finished round {one.round + 1}: reward {one.reward:+.2f}"


def _count(agents: tuple[str, ...], what: str) -> str:
    """Return how many agents there are, in words."""
    return f"{len(agents)} {what}{'' if len(agents) == 1 else 's'}"


def _heading(subject: str, phase: str, rest: list[str]) -> str:
    """Return who does what, from the parts of a turn's id."""
    if phase == Phase.FEEDBACK:
        return f"{rest[0]} rates the draft of {subject}"
    if phase == Phase.OBSERVE:
        return f"{rest[0]} rates the {rest[1]} of {subject}, {rest[2]}"
    return f"{subject} {'drafts' if phase == Phase.DRAFT else 'revises'}"


def _said(utterance: Utterance, phase: str) -> str:
    """Return a text, or a rating with its reason, in one line."""
    text = _plain(utterance.text)
    if phase in (Phase.DRAFT, Phase.REVISE):
        return text or "(nothing)"
    rating = "no rating" if utterance.rating is None else f"{round(utterance.rating, 2):g}"
    return f"{rating} ({text})" if text else rating


def _plain(text: str) -> str:
    """Return a text in one line, so that it can pretend to be no other line, for a terminal."""
    return in_one_line(for_terminal(text))


def rgb_array(world: World) -> npt.NDArray[np.uint8]:
    """Return the society as an image with one cell for each agent.

    The colour of a cell is the alignment rating of the agent's last revision, from red (1) over
    white to blue (the highest rating); grey means that there is no rating. A golden border marks
    an agent with the good view, a black border one with the bad view.

    Returns:
        An array of shape (grid_size * CELL, grid_size * CELL, 3), uint8.
    """
    size = world.config.grid_size
    ratings = last_ratings(world)
    highest = world.config.rating_scale
    anchors = (MIN_RATING, (MIN_RATING + highest) / 2, highest)
    colours = np.stack([np.interp(ratings, anchors, channel) for channel in _SCALE.T], axis=-1)
    colours[np.isnan(ratings)] = _UNRATED
    borders = np.array([_BORDERS[view] for view in world.views]).reshape(size, size, 3)
    offsets = np.arange(size * CELL) % CELL
    inside = (offsets >= BORDER) & (offsets < CELL - BORDER)
    image = np.where((inside[:, None] & inside)[..., None], _enlarge(colours), _enlarge(borders))
    return image.round().astype(np.uint8)


def _enlarge(cells: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
    """Repeat each cell to a square of CELL by CELL pixels."""
    return cells.repeat(CELL, axis=0).repeat(CELL, axis=1)
