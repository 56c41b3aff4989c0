"""One learner in a society of fixed policies, as a Gymnasium environment.

For the libraries of reinforcement learning that know single agents only.
"""

from typing import Any

import gymnasium

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.face import METADATA, Face
from social_sandbox.envs.translate import Action, Observation, info, observation, to_utterance
from social_sandbox.envs.turns import Turn
from social_sandbox.envs.world import World

from ..adapt import checked
from ..policy import Policy
from ..scripted import ScriptedPolicy
from .population import Cast, Population

ID = "social_sandbox/Solo-v0"


class SoloEnv(gymnasium.Env[Observation, Action]):
    """The learner sees its turns one after the other; all others are played for it.

    Observations, actions and rewards are those of the sandbox (see `envs/sandbox.py`): a step is
    paid when an interaction of the learner's own has finished by then. The episode terminates
    after the last round.
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
        """A society around a learner.

        Args:
            learner: the agent whose turns are shown.
            others: plays the other social agents; any agent, see `as_policy`. Default: scripted.
            observer: plays the observers. Default: scripted.
            render_mode: None, "ansi" or "rgb_array".
            settings: every setting of the sandbox, such as `grid_size` and `questions`.

        Raises UserError naming the setting that makes no sense.
        """
        self._face = Face(render_mode=render_mode, **settings)
        if learner not in self._face.possible_agents:
            raise UserError(f"learner: no agent {learner!r} in this society")
        self.render_mode = render_mode
        self.learner = learner
        self.observation_space = self._face.observation_space(learner)
        self.action_space = self._face.action_space(learner)
        scripted = ScriptedPolicy()
        self._population = Population(social=others or scripted, observer=observer or scripted)
        self._cast: Cast = {}
        self._turn: Turn | None = None
        self._paid = 0

    @property
    def world(self) -> World:
        """The world behind this environment; a new one after each reset."""
        return self._face.world

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """A new society, played up to the learner's first turn."""
        super().reset(seed=seed)
        world = self._face.begin(seed, options)
        self._cast = self._population.cast([world])
        self._paid = 0
        self._turn = self._play()
        return self._seen()

    def step(self, action: Action) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Answer the turn that was shown. Raises UserError for an action outside its space."""
        if self._turn is None:
            raise UserError("step: the episode is over; reset() begins a new one")
        said = to_utterance(action, self._turn, self._face.max_text_length)
        self.world.submit(self._turn.id, said)
        self._turn = self._play()
        finished = self.world.interactions[self._paid :]
        self._paid += len(finished)
        reward = sum(done.reward for done in finished if done.agent == self.learner)
        seen, told = self._seen()
        return seen, reward, self._turn is None, False, told

    def render(self) -> Any:
        """The society as `render_mode` says: a text or an image."""
        return self._face.render()

    def _seen(self) -> tuple[Observation, dict[str, Any]]:
        return observation(self.learner, self._turn), info(self._turn) if self._turn else {}

    def _play(self) -> Turn | None:
        """The others answer until it is the learner's turn; None when all rounds are over."""
        while not self.world.done:
            asked: dict[int, tuple[Policy, list[Turn]]] = {}
            for turn in self.world.pending():
                if turn.agent == self.learner:
                    return turn
                policy = self._cast[turn.world, turn.agent]
                asked.setdefault(id(policy), (policy, []))[1].append(turn)
            for policy, turns in asked.values():
                said = checked(policy.act(turns), turns, policy.name)
                for turn, utterance in zip(turns, said, strict=True):
                    self.world.submit(turn.id, utterance)
        return None


def register() -> None:
    """Make `gymnasium.make("social_sandbox/Solo-v0")` work."""
    if ID not in gymnasium.registry:
        gymnasium.register(ID, entry_point="social_sandbox.policies.society.solo:SoloEnv")
