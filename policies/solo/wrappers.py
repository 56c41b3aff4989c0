"""Wrappers by which libraries that know numbers alone can play Solo-v0.

Such libraries take observations that are vectors and actions that are whole numbers. A text becomes
its embedding, and an action the number of one of some candidate texts.
"""

from collections.abc import Callable, Sequence
from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt
from gymnasium import spaces
from gymnasium.utils import RecordConstructorArgs

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.rules.memory import Embedder, HashingEmbedder
from social_sandbox.envs.rules.turns import RATED_PHASES, Phase
from social_sandbox.envs.spaces.translate import IDLE, Action, Observation

TEXTS = ("question", "answer", "feedback", "memory_answer")
"""The parts of an observation that are embedded, one after the other."""

PHASES = (*(phase.value for phase in Phase), IDLE)

Vector = npt.NDArray[np.float32]
Candidates = Sequence[str] | Callable[[Observation], Sequence[str]]


class EmbeddedObservation(
    gymnasium.ObservationWrapper[Vector, Any, Observation], RecordConstructorArgs
):
    """Observations as vectors in a `Box`: what the texts mean, the phase and the mean rating.

    A vector holds the embedding of each of `TEXTS` (zeros for an empty text), a 1 at the place of
    the phase, and the peers' mean rating as a share of the scale (0 without one).
    """

    def __init__(self, env: gymnasium.Env[Observation, Any], embedder: Embedder | None = None):
        """Wrap an environment.

        Args:
            env: Solo-v0, or a wrapper of it that keeps the observations.
            embedder: Embeds the texts; default: `HashingEmbedder`, which needs no model.
        """
        RecordConstructorArgs.__init__(self, embedder=embedder)
        super().__init__(env)
        self._embedder = embedder or HashingEmbedder()
        self._known: dict[str, Vector] = {}
        self._width = len(self._embedded(["a"])[0])
        rating: Any = env.observation_space["mean_rating"]  # type: ignore[index]
        self._highest = float(rating.high)
        size = len(TEXTS) * self._width + len(PHASES) + 1
        self.observation_space = spaces.Box(-1.0, 1.0, (size,), np.float32)

    def observation(self, observation: Observation) -> Vector:
        """Return the vector of an observation."""
        empty = np.zeros(self._width, np.float32)
        found = iter(self._embedded([observation[name] for name in TEXTS if observation[name]]))
        parts = [next(found) if observation[name] else empty for name in TEXTS]
        phase = np.array([observation["phase"] == name for name in PHASES], np.float32)
        rating = np.array([float(observation["mean_rating"]) / self._highest], np.float32)
        vector: Vector = np.concatenate([*parts, phase, rating])
        return vector.clip(-1.0, 1.0)

    def _embedded(self, texts: Sequence[str]) -> list[Vector]:
        """Return the embeddings of texts; those of the last step are not computed again."""
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        vectors: Any = self._embedder.embed(new) if new else ()
        known: dict[str, Vector] = self._known | dict(zip(new, vectors, strict=True))
        self._known = {text: known[text] for text in texts}
        return [known[text] for text in texts]


class ChosenText(gymnasium.Wrapper[Observation, Any, Observation, Action], RecordConstructorArgs):
    """Actions as the numbers of candidate texts, in a `Discrete` space.

    In a phase that asks for a rating, the number chooses one of as many ratings, evenly spaced from
    the lowest to the highest.
    """

    def __init__(
        self,
        env: gymnasium.Env[Observation, Action],
        candidates: Candidates,
        count: int | None = None,
    ):
        """Wrap an environment; the innermost wrapper, where the observations are still texts.

        Args:
            env: Solo-v0.
            candidates: The texts to choose from, or a function that returns them for an
                observation, such as one that samples from a language model.
            count: Number of texts that the function returns.

        Raises:
            UserError: There are fewer than two candidates, or a function comes without `count`.
        """
        RecordConstructorArgs.__init__(self, candidates=candidates, count=count)
        super().__init__(env)
        if callable(candidates):
            if count is None:
                raise UserError("candidates: a function needs count, the number of its texts")
        else:
            candidates, count = tuple(candidates), len(candidates)
        if count < 2:
            raise UserError(f"candidates: a choice needs two texts at least, got {count}")
        self._candidates, self._count = candidates, count
        self._observation: Observation = {}
        rating: Any = env.action_space["rating"]  # type: ignore[index]
        self._ratings = np.linspace(1.0, float(rating.high), count)
        self.action_space = spaces.Discrete(count)

    def reset(self, **arguments: Any) -> tuple[Observation, dict[str, Any]]:
        """Begin a new society."""
        self._observation, info = self.env.reset(**arguments)
        return self._observation, info

    def step(self, action: Any) -> Any:
        """Say the chosen text, or give the chosen rating."""
        self._observation, *others = self.env.step(self.action(action))
        return (self._observation, *others)

    def action(self, action: Any) -> Action:
        """Return the action of a number.

        Raises:
            UserError: The number or the number of candidates is wrong.
        """
        number = int(action)
        if not 0 <= number < self._count:
            raise UserError(f"action: must be 0 to {self._count - 1}, got {number}")
        if self._observation["phase"] in RATED_PHASES:
            return {"text": "", "rating": np.array(self._ratings[number])}
        given = self._candidates
        texts = given(self._observation) if callable(given) else given
        if len(texts) != self._count:
            raise UserError(f"candidates: must be {self._count} texts, got {len(texts)}")
        return {"text": texts[number], "rating": np.array(0.0)}
