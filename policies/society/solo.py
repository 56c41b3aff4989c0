"""One learner in a society of fixed policies, as a Gymnasium environment.

Libraries for single-agent reinforcement learning can train in this environment.
"""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import fields, replace
from typing import Any

import gymnasium

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.face import METADATA, Face
from social_sandbox.envs.rules.turns import Turn, Utterance
from social_sandbox.envs.rules.world import World
from social_sandbox.envs.rules.world_config import WorldConfig
from social_sandbox.envs.settings import check_names, parameters
from social_sandbox.envs.spaces.translate import (
    Action,
    Observation,
    info,
    observation,
    to_utterance,
)

from ..adapt import to_utterances
from ..attentive import AttentivePolicy
from ..policy import Policy
from .phased import distinct, player_of
from .population import Cast, Population

ID = "social_sandbox/Solo-v0"


class SoloEnv(gymnasium.Env[Observation, Action]):
    """Shows the learner its turns one after the other; policies play all other agents.

    Observations, actions and rewards are those of `social_sandbox.envs.sandbox`. A step is
    rewarded when an interaction of the learner has finished since the step before. The episode
    terminates after the last round, and is truncated after `max_cycles` steps. A text of another
    agent is cut to `max_text_length`.

    A copy (`copy.deepcopy`) and a pickle are in the same state of play, and play on independently;
    a copy shares its policies with the original.
    """

    metadata = METADATA

    def __init__(
        self,
        *,
        learner: str = "social_0",
        others: Any = None,
        observer: Any = None,
        render_mode: str | None = None,
        **settings: Any,
    ) -> None:
        """Create a society around a learner.

        Args:
            learner: Name of the agent whose turns are shown.
            others: Plays the other social agents; any agent that `as_policy` accepts. Default:
                `AttentivePolicy`, a toy that pays attention to what the learner says.
            observer: Plays the observers, likewise.
            render_mode: None, "human", "ansi" or "rgb_array".
            **settings: Settings of the sandbox, such as `grid_size` and `questions`.

        Raises:
            UserError: A setting does not exist or is out of its range; the message names it.
        """
        rules = [field.name for field in fields(WorldConfig)]
        check_names("env", settings, [*parameters(SoloEnv), *parameters(Face), *rules])
        self._face = Face(render_mode=render_mode, **settings)
        if learner not in self._face.possible_agents:
            raise UserError(f"learner: no agent {learner!r} in this society")
        self.render_mode = render_mode
        self.learner = learner
        self.observation_space = self._face.observation_space(learner)
        self.action_space = self._face.action_space(learner)
        attentive = AttentivePolicy()
        self._population = Population(
            social=attentive if others is None else others,
            observer=attentive if observer is None else observer,
        )
        self._cast: Cast = {}
        self._turn: Turn | None = None
        self._n_rewarded = 0

    @property
    def world(self) -> World:
        """The world behind this environment; a new one after each reset."""
        return self._face.world

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Begin a new society, and play it up to the learner's first turn."""
        self._begin(seed, options)
        play_others([self])
        return self._observation()

    def step(self, action: Action) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Answer the turn of the last observation.

        Raises:
            UserError: The action is outside its space, or the episode is over.
        """
        self._answer(action)
        play_others([self])
        return self._outcome()

    def render(self) -> Any:
        """Return or print the society as `render_mode` says, see `Face.render`."""
        return self._face.render()

    def __deepcopy__(self, memo: dict[int, Any]) -> "SoloEnv":
        twin = object.__new__(type(self))
        memo[id(self)] = twin
        for shared in (self._population, *distinct(self._cast.values())):
            memo[id(shared)] = shared
        twin.__dict__ |= deepcopy(self.__dict__, memo)
        return twin

    def _begin(self, seed: int | None, options: dict[str, Any] | None) -> None:
        """Begin a new society, in which nobody has spoken yet."""
        super().reset(seed=seed)
        world = self._face.begin(seed, options)
        self._cast = self._population.cast([world])
        self._n_rewarded = 0
        self._turn = None

    def _answer(self, action: Action) -> None:
        """Answer the turn of the last observation; the others have not played on yet."""
        if self._turn is None:
            raise UserError("step: the episode is over; reset() begins a new one")
        utterance = to_utterance(action, self._turn, self._face.max_text_length)
        self.world.submit(self._turn.id, utterance)
        self._face.show()

    def _outcome(self) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Return what `step` returns, once the others have played on."""
        finished = self.world.interactions[self._n_rewarded :]
        self._n_rewarded += len(finished)
        reward = sum(one.reward for one in finished if one.agent == self.learner)
        result, details = self._observation()
        terminated, truncated = self._face.ends(steps_per_cycle=1)
        return result, reward, terminated, truncated, details

    def _observation(self) -> tuple[Observation, dict[str, Any]]:
        return observation(self.learner, self._turn), info(self._turn) if self._turn else {}

    def _waiting(self) -> list[Turn]:
        """Return the turns of others before the learner's next turn, which is remembered."""
        pending = [] if self.world.done else self.world.pending()
        self._turn = next((turn for turn in pending if turn.agent == self.learner), None)
        return [] if self._turn else pending

    def _cut(self, utterance: Utterance) -> Utterance:
        """Return an utterance that is no longer than an observation can show."""
        limit = self._face.max_text_length
        if len(utterance.text) <= limit:
            return utterance
        return replace(utterance, text=utterance.text[:limit], cut_off=True)


def play_others(envs: Sequence[SoloEnv]) -> None:
    """Let the others answer in every environment, until its learner has a turn or it is over.

    Turns of several environments that one policy object answers form one batch.
    """
    waiting = list(envs)
    while waiting:
        turns = {id(env): env._waiting() for env in waiting}
        waiting = [env for env in waiting if turns[id(env)]]
        by_policy: dict[int, tuple[Policy, list[tuple[SoloEnv, Turn]]]] = {}
        for env in waiting:
            for turn in turns[id(env)]:
                policy = player_of(env._cast[turn.world, turn.agent], turn)
                by_policy.setdefault(id(policy), (policy, []))[1].append((env, turn))
        for policy, asked in by_policy.values():
            batch = [turn for _, turn in asked]
            utterances = to_utterances(policy.act(batch), batch, policy.name)
            for (env, turn), utterance in zip(asked, utterances, strict=True):
                env.world.submit(turn.id, env._cut(utterance))
        for env in waiting:
            env._face.show()


def register() -> None:
    """Register the environment, for `gymnasium.make("social_sandbox/Solo-v0")` and `make_vec`."""
    if ID not in gymnasium.registry:
        gymnasium.register(
            ID,
            entry_point="social_sandbox.policies.society.solo:SoloEnv",
            vector_entry_point="social_sandbox.policies.solo.vector:SoloVectorEnv",
        )
