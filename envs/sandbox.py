"""The social sandbox as a PettingZoo environment.

Social agents live on a grid. In every round each of them is asked a question and goes through a
Back-Scatter (arXiv 2305.16960): it drafts an answer, its neighbours give feedback, it revises,
and observers rate the draft and the revision. No language model runs in here: whoever acts is
asked through observations and answers through actions.

| Import | `pettingzoo.make("aec", "social_sandbox/sandbox-v0")`, or `"parallel"` |
| --- | --- |
| Actions | `Dict`: `text` (any Unicode text), `rating` (0..`rating_scale`, below 1: none) |
| Parallel API | Yes, natively |
| Manual control | No |
| Agents | `social_0` .. `social_{grid_size**2 - 1}`, `observer_0` .. `observer_{n_observers - 1}` |
| Action space | the same for all agents |
| Observation space | the same for all agents |

### Observations

A flat `Dict`. `role` is `social` or `observer`. `phase` says what is asked for:

| phase | who acts | sees | says |
| --- | --- | --- | --- |
| `draft` | the asked agent | `question` | an answer |
| `feedback` | its peers | `question`, `answer` (the draft) | a rating and its reason |
| `revise` | the asked agent | `answer` (the draft), `feedback`, `mean_rating` | a better answer |
| `observe` | each observer, four times | `question`, `answer`, `aspect` | a rating |
| `idle` | nobody | nothing | ignored |

`feedback` is a line of `Rating: 3 ### Reason: ...` for each opinion, the lowest-rated one last.
`mean_rating` is 0 where there is none. `memory_question` and `memory_answer` are what comes to
a social agent's mind. `aspect` (`alignment` or `engagement`) is what the rating is about.

`infos[agent]` holds the id of the agent's turn (`turn`), the seed from which a policy that samples
should draw (`seed`), and the id of the interaction that the agent has been paid for
(`interaction`); each where there is one.

### Actions

A rating below 1 means that none was produced: it is recorded as missing. `draft`, `revise` and
`idle` ask for no rating and pass over it. `to_action(Utterance(text, rating))` makes an action.

### Rewards

When an agent's interaction is finished the agent gets the rise of the observers' mean alignment
rating from draft to revision, plus `engagement_weight` times that of engagement. What is
missing counts as no rise. Observers are not rewarded.

### Turns

AEC: the agent of the world's first pending turn acts. Parallel: every agent with a pending turn
answers its first one; actions of idle agents are passed over, and a turn without an action
stays pending. Both give the same interactions for the same utterances. All agents terminate
after the last round.

### Version History

* v0: Initial version
"""

from collections.abc import Mapping, Sequence
from heapq import heappop, heappush
from itertools import count
from typing import Any

from pettingzoo import AECEnv, ParallelEnv
from pettingzoo.utils.wrappers import AssertOutOfBoundsWrapper, OrderEnforcingWrapper

from .errors import UserError
from .face import METADATA, Face
from .interactions import Interaction
from .translate import Action, Observation, info, observation, to_utterance
from .turns import Turn

Infos = dict[str, dict[str, Any]]

_Asked = tuple[int, int, Turn]
"""A turn behind its place in the order of pending turns: the subject's, and a running number."""


def env(**settings: Any) -> AECEnv:
    """The AEC face with PettingZoo's checks of actions and of the order of calls."""
    return OrderEnforcingWrapper(AssertOutOfBoundsWrapper(raw_env(**settings)))


class raw_env(Face, AECEnv[str, Observation, Action]):  # type: ignore[misc]
    """The AEC face: one agent at a time, in the order of the world's pending turns."""

    # Not by aec_to_parallel, which needs a fixed order of agents: `parallel_env` is native.
    metadata = METADATA | {"is_parallelizable": False}
    agent_selection: str

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> None:
        """Begin a new world with this seed."""
        self.begin(seed, options)
        self.rewards = dict.fromkeys(self.agents, 0.0)
        self._cumulative_rewards = dict.fromkeys(self.agents, 0.0)
        self.terminations = dict.fromkeys(self.agents, False)
        self.truncations = dict.fromkeys(self.agents, False)
        self.infos: Infos = {agent: {} for agent in self.agents}
        self._skip_agent_selection: str | None = None
        self._paid: str | None = None
        self._select()

    def observe(self, agent: str) -> Observation:
        """The agent's first pending turn, or an idle observation."""
        if self._turn is None or self._turn.agent == agent:
            return observation(agent, self._turn)
        turns = (turn for turn in self.world.pending() if turn.agent == agent)
        return observation(agent, next(turns, None))

    def step(self, action: Action | None) -> None:
        """Answer the first pending turn, or take leave of a dead agent with None."""
        agent = self.agent_selection
        if self.terminations[agent] or self.truncations[agent]:
            self._was_dead_step(action)
            return
        assert self._turn is not None
        utterance = to_utterance(action, self._turn, self.max_text_length)
        interaction = self.world.submit(self._turn.id, utterance)
        self._cumulative_rewards[agent] = 0.0
        self.infos[agent] = {}
        self._pay(interaction)
        self._select()
        terminated, truncated = self._ends(steps_per_cycle=len(self.possible_agents))
        if terminated or truncated:
            self.terminations = dict.fromkeys(self.agents, terminated)
            self.truncations = dict.fromkeys(self.agents, truncated)
            self.agent_selection = self.agents[0]

    def _pay(self, interaction: Interaction | None) -> None:
        # At most one agent is paid in a step: no need to walk over all of them.
        if self._paid is not None:
            self.rewards[self._paid] = 0.0
            self._paid = None
        if interaction is not None:
            agent = self._paid = interaction.agent
            self.rewards[agent] = interaction.reward
            self._cumulative_rewards[agent] += interaction.reward
            self.infos[agent]["interaction"] = interaction.id

    def _select(self) -> None:
        self._turn: Turn | None = self.world.first_pending()
        if self._turn is not None:
            self.agent_selection = self._turn.agent
            self.infos[self._turn.agent] |= info(self._turn)


class parallel_env(Face, ParallelEnv[str, Observation, Action]):  # type: ignore[misc]
    """The parallel face: every agent with a pending turn answers its first one."""

    metadata = METADATA | {"is_parallelizable": True}

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Observation], Infos]:
        """Begin a new world with this seed."""
        world = self.begin(seed, options)
        self._places = {agent: place for place, agent in enumerate(self.agents)}
        # What each agent is asked: heaps, as one observer of many is asked a lot at once.
        self._asked: dict[str, list[_Asked]] = {agent: [] for agent in self.agents}
        self._first: dict[str, _Asked] = {}
        self._seen = {agent: observation(agent, None) for agent in self.agents}
        self._infos: Infos = {agent: {} for agent in self.agents}
        self._told: set[str] = set()
        # Copied in every step: much quicker than made anew where agents are thousands.
        self._nobody = dict.fromkeys(self.agents, False)
        self._unpaid = dict.fromkeys(self.agents, 0.0)
        self._count = count()
        opened, self._mark = world.opened()
        self._hear(opened, ())
        return self._seen.copy(), self._infos.copy()

    def step(
        self, actions: Mapping[str, Action]
    ) -> tuple[
        dict[str, Observation],
        dict[str, float],
        dict[str, bool],
        dict[str, bool],
        Infos,
    ]:
        """Answer the first pending turn of every agent that has one and an action.

        What an agent for whom nothing has changed sees is the object that it saw before: in a
        large society few have to act. Raises UserError naming agent and field for an action
        outside the space; then nothing at all has been answered.
        """
        if not self.agents:
            return {}, {}, {}, {}, {}
        if not actions.keys() <= self._places.keys():
            stranger = min(actions.keys() - self._places.keys())
            raise UserError(f"actions: {stranger!r} is no agent of this environment")
        acting = sorted((self._first[agent], agent) for agent in self._first if agent in actions)
        said = [
            (turn.id, to_utterance(actions[agent], turn, self.max_text_length))
            for (_, _, turn), agent in acting
        ]
        finished = self.world.replay(said)
        for _, agent in acting:
            heappop(self._asked[agent])
        opened, self._mark = self.world.opened(self._mark)
        self._hear(opened, [agent for _, agent in acting])
        rewards = self._unpaid.copy()
        for interaction in finished:
            rewards[interaction.agent] = interaction.reward
            # Not in place: the caller may have kept what it was told before.
            told = self._infos[interaction.agent] | {"interaction": interaction.id}
            self._infos[interaction.agent] = told
            self._told.add(interaction.agent)
        terminated, truncated = self._ends(steps_per_cycle=1)
        terminations, truncations = self._nobody.copy(), self._nobody.copy()
        if terminated or truncated:
            terminations = dict.fromkeys(self.agents, terminated)
            truncations = dict.fromkeys(self.agents, truncated)
            self.agents = []
        return self._seen.copy(), rewards, terminations, truncations, self._infos.copy()

    def _hear(self, opened: Sequence[Turn], acted: Sequence[str]) -> None:
        """What those see for whom something has changed: who acted, is asked, or was paid."""
        changed = {*acted, *self._told}
        for turn in opened:
            asked = (self._places[turn.subject], next(self._count), turn)
            heappush(self._asked[turn.agent], asked)
            changed.add(turn.agent)
        for agent in changed:
            self._first.pop(agent, None)
            if self._asked[agent]:
                self._first[agent] = self._asked[agent][0]
            first = self._first[agent][-1] if agent in self._first else None
            self._seen[agent] = observation(agent, first)
            self._infos[agent] = info(first) if first else {}
        self._told.clear()
