"""The social sandbox as a PettingZoo environment.

Social agents live on a grid. In every round each of them is asked a question and goes through a
Back-Scatter (arXiv 2305.16960): it drafts an answer, its neighbours give feedback, it revises,
and observers rate the draft and the revision. No language model runs in the environment: an agent
reads its turn from an observation and answers with an action.

| Import | `pettingzoo.make("aec", "social_sandbox/sandbox-v0")`, or `"parallel"` |
| --- | --- |
| Actions | `Dict`: `text` (any Unicode text), `rating` (0..`rating_scale`, below 1: none) |
| Parallel API | Yes, natively |
| Manual control | No |
| Render modes | `human` (printed as the game goes on), `ansi`, `rgb_array` |
| State | one vector of the whole society, see `social_sandbox.envs.spaces.state` |
| Agents | `social_0` .. `social_{grid_size**2 - 1}`, `observer_0` .. `observer_{n_observers - 1}` |
| Action space | the same for all agents |
| Observation space | the same for all agents |

### Observations

A flat `Dict`. `role` is `social` or `observer`. `phase` names the task:

| phase | who acts | fields | asks for |
| --- | --- | --- | --- |
| `draft` | the agent with the question | `question` | an answer |
| `feedback` | each peer | `question`, `answer` (the draft) | a rating and its reason |
| `revise` | the same agent | `answer` (the draft), `feedback`, `mean_rating` | a better answer |
| `observe` | each observer, four times | `question`, `answer`, `aspect` | a rating |
| `idle` | nobody | none | nothing; an action is ignored |

`feedback` has one line `Rating: 3 ### Reason: ...` for each opinion, the lowest-rated one last.
`mean_rating` is 0 if no peer gave a rating. `memory_question` and `memory_answer` are the social
agent's memory of a similar question. `aspect` (`alignment` or `engagement`) is the subject of an
observer's rating.

`infos[agent]` may hold three entries: `turn`, the id of the agent's turn; `seed`, from which a
policy that samples should draw; and `interaction`, the id of the interaction for which the agent
has just been rewarded.

### Actions

A rating below 1 means that the agent gives none: the rating is recorded as missing. In `draft`,
`revise` and `idle` the rating is ignored. `to_action(Utterance(text, rating))` makes an action.
A plain `str` or number is an action, too: where a rating is asked for, a text that is a number, or
has the form `Rating: 5 ### Reason: ...`, is a rating; in `draft` and `revise` a number is refused.

### Rewards

When an agent's interaction is finished, the agent gets the rise of the observers' mean alignment
rating from draft to revision, plus `engagement_weight` times the rise of engagement. A missing
rating counts as no rise. Observers get no reward.

### Turns

AEC: the agent of the world's first pending turn acts. Parallel: every agent with a pending turn
answers its first one; actions of idle agents are ignored, and a turn without an action stays
pending. `parallel_env(observers_at_once=True)` gives an observer all its pending turns in one step:
its observation is a tuple, its action a sequence, and its spaces are `Sequence` spaces. All of them
give the same interactions for the same utterances. All agents terminate after the last round.

### Version History

* v0: Initial version
"""

from collections.abc import Iterator, Mapping, Sequence
from heapq import heappop, heappush, nsmallest
from typing import Any

import gymnasium
from pettingzoo import AECEnv, ParallelEnv
from pettingzoo.utils.wrappers import AssertOutOfBoundsWrapper, OrderEnforcingWrapper

from .errors import UserError
from .face import METADATA, Face
from .rules.interactions import Interaction
from .rules.turns import Turn
from .spaces.translate import Action, Observation, info, observation, to_utterance

Infos = dict[str, dict[str, Any]]

_Entry = tuple[int, int, Turn]
"""A turn behind its sort key in the order of pending turns: the subject's place, and a counter."""


def env(**settings: Any) -> AECEnv:
    """Return the AEC environment, with PettingZoo's checks of actions and of the order of calls."""
    return OrderEnforcingWrapper(AssertOutOfBoundsWrapper(raw_env(**settings)))


class raw_env(Face, AECEnv[str, Observation, Action]):  # type: ignore[misc]
    """The AEC environment: one agent at a time, in the order of the world's pending turns."""

    # aec_to_parallel needs a fixed order of agents; `parallel_env` below is native instead.
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
        self._rewarded: str | None = None
        self._select()

    def observe(self, agent: str) -> Observation:
        """Return the agent's first pending turn, or the idle observation."""
        if self._turn is None or self._turn.agent == agent:
            return observation(agent, self._turn)
        turns = (turn for turn in self.world.pending() if turn.agent == agent)
        return observation(agent, next(turns, None))

    def step(self, action: Action | None) -> None:
        """Answer the first pending turn; None removes an agent that has ended.

        Raises:
            UserError: The action is outside the action space.
        """
        agent = self.agent_selection
        if self.terminations[agent] or self.truncations[agent]:
            self._was_dead_step(action)
            return
        assert self._turn is not None
        utterance = to_utterance(action, self._turn, self.max_text_length)
        interaction = self.world.submit(self._turn.id, utterance)
        self._cumulative_rewards[agent] = 0.0
        self.infos[agent] = {}
        self._reward(interaction)
        self._select()
        self.show()
        terminated, truncated = self.ends(steps_per_cycle=len(self.possible_agents))
        if terminated or truncated:
            self.terminations = dict.fromkeys(self.agents, terminated)
            self.truncations = dict.fromkeys(self.agents, truncated)
            self.agent_selection = self.agents[0]

    def _reward(self, interaction: Interaction | None) -> None:
        """Set the rewards of a step that has perhaps finished an interaction."""
        # At most one agent is rewarded in a step: no need to reset the rewards of all agents.
        if self._rewarded is not None:
            self.rewards[self._rewarded] = 0.0
            self._rewarded = None
        if interaction is not None:
            agent = self._rewarded = interaction.agent
            self.rewards[agent] = interaction.reward
            self._cumulative_rewards[agent] += interaction.reward
            self.infos[agent]["interaction"] = interaction.id

    def _select(self) -> None:
        """Select the agent of the first pending turn."""
        self._turn: Turn | None = self.world.first_pending()
        if self._turn is not None:
            self.agent_selection = self._turn.agent
            self.infos[self._turn.agent] |= info(self._turn)


class parallel_env(Face, ParallelEnv[str, Observation, Action]):  # type: ignore[misc]
    """The parallel environment: every agent with a pending turn answers its first one."""

    metadata = METADATA | {"is_parallelizable": True}

    def __init__(self, *, observers_at_once: bool = False, **settings: Any) -> None:
        """Create an environment; `reset` begins a society.

        Args:
            observers_at_once: Whether an observer gets all its pending turns in one step. Its
                observation is then a tuple of observations, its action a sequence of as many
                actions, and its info holds a tuple of infos under `turns`. The interactions are the
                same for the same utterances. A round of many agents takes far fewer steps.
            **settings: See `Face`.

        Raises:
            UserError: A setting does not exist or is out of its range; the message names it.
        """
        super().__init__(**settings)
        if not isinstance(observers_at_once, bool):
            raise UserError(
                f"env.observers_at_once: must be true or false, got {observers_at_once!r:.80}"
            )
        self._of_many: dict[int, gymnasium.spaces.Sequence] = {}
        self._at_once = frozenset(self._config.observers if observers_at_once else ())

    def observation_space(self, agent: str) -> gymnasium.spaces.Space[Any]:  # type: ignore[override]
        """Return the observation space of an agent, every time the same object."""
        space = super().observation_space(agent)
        return self._sequences(space) if agent in self._at_once else space

    def action_space(self, agent: str) -> gymnasium.spaces.Space[Any]:  # type: ignore[override]
        """Return the action space of an agent, every time the same object."""
        space = super().action_space(agent)
        return self._sequences(space) if agent in self._at_once else space

    def _sequences(self, space: gymnasium.spaces.Space[Any]) -> gymnasium.spaces.Sequence:
        """Return the space of sequences of what a space holds, every time the same object."""
        if id(space) not in self._of_many:
            self._of_many[id(space)] = gymnasium.spaces.Sequence(space)
        return self._of_many[id(space)]

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Observation], Infos]:
        """Begin a new world with this seed."""
        world = self.begin(seed, options)
        self._places = {agent: place for place, agent in enumerate(self.agents)}
        # Pending turns by agent: heaps, since one observer may have very many turns at once.
        self._pending: dict[str, list[_Entry]] = {agent: [] for agent in self.agents}
        self._first: dict[str, _Entry] = {}
        self._observations: dict[str, Any] = {
            agent: () if agent in self._at_once else observation(agent, None)
            for agent in self.agents
        }
        self._infos: Infos = {agent: {} for agent in self.agents}
        self._rewarded: set[str] = set()
        # Copied in every step, which is much quicker than building them for thousands of agents.
        self._no_flags = dict.fromkeys(self.agents, False)
        self._no_rewards = dict.fromkeys(self.agents, 0.0)
        self._count = 0
        opened, self._mark = world.opened()
        self._update(opened, ())
        return self._observations.copy(), self._infos.copy()

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

        With `observers_at_once`, an observer's actions answer its first pending turns, in their
        order; actions beyond the last one are ignored.

        An agent for whom nothing has changed gets the same observation object as before, since
        few agents of a large society act in one step.

        Raises:
            UserError: An action is outside the action space, or belongs to no agent; then no
                turn at all has been answered.
        """
        if not self.agents:
            return {}, {}, {}, {}, {}
        if not actions.keys() <= self._places.keys():
            unknown = min(actions.keys() - self._places.keys())
            raise UserError(f"actions: {unknown!r} is no agent of this environment")
        answers = sorted(self._answers(actions), key=lambda answer: answer[0][:2])
        utterances = [
            (turn.id, to_utterance(action, turn, self.max_text_length))
            for (_, _, turn), _, action in answers
        ]
        finished = self.world.replay(utterances)
        for _, agent, _ in answers:
            heappop(self._pending[agent])
        opened, self._mark = self.world.opened(self._mark)
        self._update(opened, [agent for _, agent, _ in answers])
        rewards = self._no_rewards.copy()
        for interaction in finished:
            rewards[interaction.agent] = interaction.reward
            # A new dictionary: the caller may have kept the info of an earlier step.
            self._infos[interaction.agent] = self._infos[interaction.agent] | {
                "interaction": interaction.id
            }
            self._rewarded.add(interaction.agent)
        self.show()
        terminated, truncated = self.ends(steps_per_cycle=1)
        terminations, truncations = self._no_flags.copy(), self._no_flags.copy()
        if terminated or truncated:
            terminations = dict.fromkeys(self.agents, terminated)
            truncations = dict.fromkeys(self.agents, truncated)
            self.agents = []
        observations = self._observations.copy()
        return observations, rewards, terminations, truncations, self._infos.copy()

    def _answers(self, actions: Mapping[str, Any]) -> Iterator[tuple[_Entry, str, Any]]:
        """Yield the pending turns that are answered, with their agents and actions."""
        for agent, first in self._first.items():
            if agent not in actions:
                continue
            action = actions[agent]
            if agent not in self._at_once:
                yield first, agent, action
                continue
            if not isinstance(action, Sequence) or isinstance(action, str):
                raise UserError(
                    f"actions: {agent} answers all its turns at once (observers_at_once): needs a "
                    f"sequence of actions, got {type(action).__name__}"
                )
            entries = nsmallest(len(action), self._pending[agent])
            yield from ((entry, agent, one) for entry, one in zip(entries, action, strict=False))

    def _update(self, opened: Sequence[Turn], acted: Sequence[str]) -> None:
        """Renew the observations and infos of all agents for whom something has changed.

        Args:
            opened: The turns that have become pending.
            acted: The agents who have answered a turn.
        """
        # The info of an agent who was rewarded in the last step loses the entry `interaction`.
        changed = {*acted, *self._rewarded}
        for turn in opened:
            self._count += 1
            heappush(self._pending[turn.agent], (self._places[turn.subject], self._count, turn))
            changed.add(turn.agent)
        for agent in changed:
            self._first.pop(agent, None)
            if self._pending[agent]:
                self._first[agent] = self._pending[agent][0]
            if agent in self._at_once:
                turns = [turn for _, _, turn in sorted(self._pending[agent])]
                self._observations[agent] = tuple(observation(agent, turn) for turn in turns)
                self._infos[agent] = {"turns": tuple(map(info, turns))} if turns else {}
                continue
            first = self._first[agent][-1] if agent in self._first else None
            self._observations[agent] = observation(agent, first)
            self._infos[agent] = info(first) if first else {}
        self._rewarded.clear()
