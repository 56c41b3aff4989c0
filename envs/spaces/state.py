"""The state of a society as one vector, for critics that see everything.

The vector has the shape (1 + agents * AGENT_SIZE,), where agents are the social agents, and all
its numbers lie between 0 and 1. It depends on the world alone, and is the same in the AEC and the
parallel environment. The first number is the share of rounds that are over. Then each social agent
has, row by row of the grid:

| numbers | meaning |
| --- | --- |
| 1 | 1 for the good view, 0 for the bad view |
| 4 | 1 for the phase of its interaction (draft, feedback, revise, observe), 0 for the others |
| 1 | the share of the turns of this phase that have been answered |
| 1 | the mean rating of its draft by its peers |
| 4 | the observers' ratings of its last finished interaction: alignment of draft and revision, then engagement |
| 32 | the words of its question, see `HashingEmbedder` |
| 32 | the words of its latest answer in this round |

Ratings are divided by the highest rating; 0 means that there is none.
"""  # noqa: E501

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from ..rules.back_scatter import BackScatter
from ..rules.interactions import Interaction, mean
from ..rules.memory import HashingEmbedder
from ..rules.turns import ASPECTS, JUDGED, Phase
from ..rules.world import World

State = npt.NDArray[np.float32]

WORDS = 32
"""Into how many numbers the words of a text are counted."""

AGENT_SIZE = 1 + len(Phase) + 2 + len(ASPECTS) * len(JUDGED) + 2 * WORDS
"""Numbers for each social agent."""


def state_space(n_agents: int) -> spaces.Box:
    """Return the space of `state` for a society of this many social agents."""
    return spaces.Box(0.0, 1.0, (1 + n_agents * AGENT_SIZE,), np.float32)


def state(world: World) -> State:
    """Return the state of a world."""
    n_agents, scale = len(world.social_agents), world.config.rating_scale
    # Each agent has finished an interaction in this round or in the round before.
    last = {one.agent: one for one in world.interactions[-2 * n_agents :]}
    under_way = {scatter.setup.agent: scatter for scatter in world.under_way}
    rows = np.zeros((n_agents, AGENT_SIZE), dtype=np.float32)
    for row, agent, view in zip(rows, world.social_agents, world.views, strict=True):
        now, ratings = _now(under_way.get(agent)), _ratings(last.get(agent))
        numbers = [float(view == "good"), *now[:-1], *(r / scale for r in (now[-1], *ratings))]
        row[: len(numbers)] = numbers
    for column, texts in enumerate(
        (
            [under_way[a].setup.question if a in under_way else "" for a in world.social_agents],
            [_latest(under_way.get(agent)) for agent in world.social_agents],
        )
    ):
        start = AGENT_SIZE - (2 - column) * WORDS
        rows[:, start : start + WORDS] = _words(texts)
    share = np.float32(world.round / world.config.n_rounds)
    return np.concatenate([[share], rows.ravel()]).clip(0, 1).astype(np.float32)


def _now(scatter: BackScatter | None) -> list[float]:
    """Return the phases, the share of answered turns and the mean rating of the draft."""
    if scatter is None or scatter.done:
        return [0.0] * (len(Phase) + 2)
    answered = len(scatter.answers(scatter.phase))
    ratings = [utterance.rating for _, utterance in scatter.answers(Phase.FEEDBACK)]
    return [
        *(float(phase is scatter.phase) for phase in Phase),
        answered / (answered + len(scatter.open)),
        mean(ratings) or 0.0,
    ]


def _ratings(interaction: Interaction | None) -> list[float]:
    """Return the observers' ratings of an interaction, 0 where there is none."""
    if interaction is None:
        return [0.0] * (len(ASPECTS) * len(JUDGED))
    return [interaction.rating(aspect, judged) or 0.0 for aspect in ASPECTS for judged in JUDGED]


def _latest(scatter: BackScatter | None) -> str:
    """Return the revision, or the draft, or an empty text."""
    answers = [*scatter.answers(Phase.DRAFT), *scatter.answers(Phase.REVISE)] if scatter else []
    return answers[-1][1].text if answers else ""


def _words(texts: list[str]) -> State:
    """Return the words of texts, of shape (texts, WORDS); zeros where there is no text."""
    words = HashingEmbedder(WORDS).embed(texts)
    words[[not text for text in texts]] = 0
    return words
