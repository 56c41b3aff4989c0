"""The base of the AEC and the parallel environment: settings, spaces, world and pictures."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import fields
from functools import cached_property
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt

from . import render
from .errors import UserError
from .rules.memory import Embedder
from .rules.questions import (
    Question,
    prior_questions,
    question_tuple,
    read_questions,
    society_questions,
)
from .rules.seeding import key
from .rules.world import World
from .rules.world_config import WorldConfig
from .settings import check_names, parameters, whole_number
from .spaces import state
from .spaces.spaces import action_space, observation_space

METADATA: dict[str, Any] = {
    "name": "sandbox_v0",
    "render_modes": ["human", "ansi", "rgb_array"],
    "render_fps": 4,
}


OPTIONS = ("name", "options")
"""The options of `reset`. PettingZoo's tests of any environment give one that is called
`options`, which has no effect."""


class Face:
    """Settings, spaces, the world behind the environment and its pictures.

    A copy (`copy.deepcopy`) and a pickle of an environment are in the same state of play, and play
    on independently. A copy shares the embedder and the questions with the original.
    """

    metadata = METADATA

    def __init__(
        self,
        *,
        questions: Sequence[Question] | str | Path | None = None,
        priors: Sequence[Question] | None = None,
        embedder: Embedder | None = None,
        seed: int = 0,
        name: str = "world_0",
        max_text_length: int = 8192,
        max_cycles: int | None = None,
        render_mode: str | None = None,
        **rules: Any,
    ) -> None:
        """Create an environment; `reset` begins a society.

        Args:
            questions: The questions that agents are asked, or a JSONL file with them; default:
                the project's questions.
            priors: Questions for the prior memories, see `World`.
            embedder: Measures the similarity of questions, see `World`.
            seed: Seed of the first reset without a seed. Every later reset without a seed derives
                a new one from the last.
            name: Name of the world in the records; `reset(options={"name": ...})` overrides it.
            max_text_length: Maximum length of an agent's text, in code points.
            max_cycles: Agents are truncated after this many parallel steps, or this many times
                the number of agents AEC steps, or this many steps of Solo-v0. None or -1: never.
                May be assigned later.
            render_mode: None, "human", "ansi" or "rgb_array", see `render`.
            **rules: Fields of `WorldConfig`, such as `grid_size=4`.

        Raises:
            UserError: A setting does not exist or is out of its range; the message names it.
        """
        check_names("env", rules, [*parameters(Face), *(f.name for f in fields(WorldConfig))])
        if render_mode is not None and render_mode not in self.metadata["render_modes"]:
            modes = ", ".join(self.metadata["render_modes"])
            raise UserError(f"env.render_mode: must be null or one of {modes}, got {render_mode!r}")
        if whole_number(max_text_length, "env.max_text_length") < 1:
            raise UserError(f"env.max_text_length: must be at least 1, got {max_text_length}")
        self.max_cycles = None if max_cycles is None else whole_number(max_cycles, "env.max_cycles")
        self.render_mode = render_mode
        self._config = WorldConfig(**rules)
        self.max_text_length = max_text_length
        self._embedder = embedder
        self._name = name
        self._next_seed = whole_number(seed, "env.seed")
        self._steps = 0
        self._shown = render.NOTHING
        self._world: World | None = None
        if questions is None:
            questions = society_questions()
        elif isinstance(questions, str | Path):
            questions = read_questions(questions)
        self._questions = question_tuple(questions, "env.questions")
        self._priors = tuple(prior_questions(self._questions) if priors is None else priors)
        self.possible_agents = [*self._config.social_agents, *self._config.observers]
        self.agents: list[str] = []
        self._all_agents = frozenset(self.possible_agents)
        self._action_spaces: dict[str, gymnasium.spaces.Dict] = {}
        self._observation_spaces: dict[str, gymnasium.spaces.Dict] = {}

    @property
    def world(self) -> World:
        """The world behind this environment; a new one after each reset."""
        if self._world is None:
            raise AttributeError("world cannot be accessed before reset")
        return self._world

    def observation_space(self, agent: str) -> gymnasium.spaces.Dict:
        """Return the observation space of an agent, every time the same object.

        Raises:
            KeyError: There is no such agent.
        """
        # Made on first use: a large society has thousands of agents, and few users of spaces.
        if agent not in self._observation_spaces:
            self._check_agent(agent)
            self._observation_spaces[agent] = observation_space(
                self._longest_text, self._config.n_peers, self._config.rating_scale
            )
        return self._observation_spaces[agent]

    def action_space(self, agent: str) -> gymnasium.spaces.Dict:
        """Return the action space of an agent, every time the same object.

        Raises:
            KeyError: There is no such agent.
        """
        if agent not in self._action_spaces:
            self._check_agent(agent)
            self._action_spaces[agent] = action_space(
                self.max_text_length, self._config.rating_scale
            )
        return self._action_spaces[agent]

    @cached_property
    def state_space(self) -> gymnasium.spaces.Box:
        """The space of `state()`."""
        return state.state_space(len(self._config.social_agents))

    def state(self) -> state.State:
        """Return the state of the whole society as one vector, see `envs.spaces.state`."""
        return state.state(self.world)

    def render(self) -> str | npt.NDArray[np.uint8] | None:
        """Return or print the society as `render_mode` says.

        Returns:
            A text ("ansi"), or an image of shape (height, width, 3) ("rgb_array"). With "human"
            there is no result: what has been said since the last call is printed. `reset` and
            `step` call this themselves then.
        """
        if self.render_mode is None:
            gymnasium.logger.warn("render() shows nothing unless render_mode is set.")
            return None
        if self.render_mode == "human":
            self._shown = render.human(self.world, self._shown)
            return None
        draw = render.ansi if self.render_mode == "ansi" else render.rgb_array
        return draw(self.world)

    def show(self) -> None:
        """Print what has been said since the last call, if people watch (`render_mode`)."""
        if self.render_mode == "human":
            self.render()

    def close(self) -> None:
        """Do nothing: the environment holds no resources."""

    def begin(self, seed: int | None, options: Mapping[str, Any] | None) -> World:
        """Begin a new world, and return it.

        Raises:
            UserError: The seed is no whole number, or there is no such option.
        """
        check_names("reset options", options or {}, OPTIONS)
        seed = self._next_seed if seed is None else whole_number(seed, "reset seed")
        self._next_seed = key(seed, "reset")
        self._world = World(
            self._config,
            questions=self._questions,
            priors=self._priors,
            embedder=self._embedder,
            seed=seed,
            name=(options or {}).get("name", self._name),
        )
        self._steps = 0
        self._shown = render.NOTHING
        self.show()
        self.agents = list(self.possible_agents)
        return self._world

    def __deepcopy__(self, memo: dict[int, Any]) -> "Face":
        twin = object.__new__(type(self))
        memo[id(self)] = twin
        for shared in (self._embedder, self._questions, self._priors, self._config):
            memo[id(shared)] = shared
        twin.__dict__ |= deepcopy(self.__dict__, memo)
        return twin

    @cached_property
    def _longest_text(self) -> int:
        """The length of the longest text that an observation may contain, in code points."""
        questions = (*self._questions, *self._priors)
        texts = [text for q in questions for text in (q.text, q.good, q.bad) if text]
        return max(self.max_text_length, *map(len, texts))

    def _check_agent(self, agent: str) -> None:
        if agent not in self._all_agents:
            raise KeyError(f"{agent!r} is no agent of this environment")

    def ends(self, steps_per_cycle: int) -> tuple[bool, bool]:
        """Count a step, and return whether all agents are terminated and whether truncated."""
        self._steps += 1
        cycles = self.max_cycles
        truncated = cycles is not None and 0 <= cycles * steps_per_cycle <= self._steps
        return self.world.done, truncated and not self.world.done
