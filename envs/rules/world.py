"""A society of agents on a grid, as a deterministic state machine.

`World.pending` lists the turns that can be answered now, and `World.submit` answers one of them.
This module knows neither PettingZoo nor a language model nor a clock. Source: arXiv 2305.16960,
section 3.1.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, Never

import numpy as np

from ..errors import UserError
from ..settings import check_names, parameters, whole_number
from .back_scatter import BackScatter, Setup
from .grid import View, neighbours, position, views
from .interactions import Interaction
from .memory import Embedder, HashingEmbedder, Memory
from .pareto import no_longer_rises, pareto_products
from .questions import Question, prior_questions, question_tuple, society_questions
from .seeding import generator
from .turns import Turn, Utterance
from .world_config import WorldConfig
from .world_log import WorldLog

Mark = tuple[int, int]
"""A point in the life of a world: the round, and how many of its turns have been opened."""


class World:
    """One running simulation of a society.

    The log of utterances is the state: `replay` brings a new world with the same arguments to
    the same point. Copies (`copy`, `copy.deepcopy`) are forks, see `fork`; a pickle holds the
    world in play, with its embedder.

    Attributes:
        config: The rules.
        seed: The seed.
        name: The name in the records.
        questions: The questions that agents are asked.
        priors: The questions whose answers fill the prior memories.
        social_agents: Names of the social agents, row by row of the grid.
        observers: Names of the observers.
        views: Whether the prior memories of each social agent are good or bad answers.
        round: Number of the current round, from 0.
        log: Every (turn id, utterance) so far, in the order of submission.
        interactions: The finished interactions, in the order in which they finished.
    """

    def __init__(
        self,
        config: WorldConfig | None = None,
        *,
        questions: Sequence[Question] | None = None,
        priors: Sequence[Question] | None = None,
        embedder: Embedder | None = None,
        seed: int = 0,
        name: str = "world_0",
        **unknown: Never,
    ) -> None:
        """Create a world at the start of its first round.

        Args:
            config: The rules; default: `WorldConfig()`.
            questions: The questions that agents are asked; default: the project's questions.
            priors: Questions with good and bad answers for the prior memories; default: those
                among `questions` that have both answers, or else those of the project.
            embedder: Measures the similarity of questions; default: `HashingEmbedder`.
            seed: One seed gives one society.
            name: Name of the world in the records; it has no other effect.
            **unknown: Anything else is refused.

        Raises:
            UserError: There is no question, a question is held out for evaluation, or an argument
                does not exist or is of a wrong type.
        """
        check_names("world", unknown, parameters(World))
        if not isinstance(config, WorldConfig | None):
            raise UserError(f"world.config: must be a WorldConfig, got {config!r:.80}")
        if not isinstance(name, str):
            raise UserError(f"world.name: must be a text, got {name!r:.80}")
        self.config = config or WorldConfig()
        self.seed = whole_number(seed, "world.seed")
        self.name = name
        self.questions = question_tuple(
            society_questions() if questions is None else questions, "questions"
        )
        if not self.questions:
            raise UserError("questions: a society needs at least one question")
        self.priors = question_tuple(
            prior_questions(self.questions) if priors is None else priors, "priors"
        )
        if self.config.n_questions is not None:
            order = generator(self.seed, "pool").permutation(len(self.questions))
            chosen = sorted(order[: self.config.n_questions].tolist())
            self.questions = tuple(self.questions[index] for index in chosen)
        if any(question.held_out for question in (*self.questions, *self.priors)):
            raise UserError("questions: a held-out question must not enter a simulation")
        self.social_agents = self.config.social_agents
        self.observers = self.config.observers
        self.views: tuple[View, ...] = tuple(
            views(self.config.world_view, self.config.grid_size, self.seed)
        )
        self.round = 0
        self.log = WorldLog()
        self.interactions: list[Interaction] = []
        self._memory = Memory(embedder or HashingEmbedder(), self.config.memory_threshold)
        if self.config.memory:
            self._memory.remember(self._prior_memories(self.priors))
        self._indices = {agent: index for index, agent in enumerate(self.social_agents)}
        self._samples: tuple[int, ...] = ()
        self._current: list[BackScatter] = []
        self._opened: list[Turn] = []
        self._unfinished = 0
        self._first = 0
        self._stopped = False
        self._begin_round()

    @property
    def agents(self) -> tuple[str, ...]:
        """The names of all agents: social agents first, then observers."""
        return self.social_agents + self.observers

    @property
    def done(self) -> bool:
        """Whether all rounds are over, or `config.stop` has ended the world."""
        return self._stopped or self.round >= self.config.n_rounds

    @property
    def under_way(self) -> tuple[BackScatter, ...]:
        """The interactions of this round, in the order of agents; none when all rounds are over."""
        return tuple(self._current)

    def pending(self) -> list[Turn]:
        """Return every turn that can be answered now, by subject and then in phase order."""
        open_turns = (scatter.open.values() for scatter in self._current[self._first :])
        return list(chain.from_iterable(open_turns))

    def opened(self, since: Mark | None = None) -> tuple[list[Turn], Mark]:
        """Return the turns that have become pending since a mark, and the current mark.

        The turns are sorted as in `pending()`; without a mark, they are all turns of this round.
        Some of them may have been answered since. A caller that looks after every answer reads
        each turn once, where repeated calls of `pending()` would return it again and again.
        """
        start = since[1] if since and since[0] == self.round else 0
        new = sorted(self._opened[start:], key=lambda turn: self._indices[turn.subject])
        return new, (self.round, len(self._opened))

    def first_pending(self) -> Turn | None:
        """Return the first turn of `pending()`, or None when the world is done."""
        while self._first < len(self._current):
            open_turns = self._current[self._first].open
            if open_turns:
                return next(iter(open_turns.values()))
            self._first += 1
        return None

    def turn(self, turn_id: str) -> Turn:
        """Return a pending turn.

        Raises:
            ValueError: The turn is not pending.
        """
        return self._current[self._index_of(turn_id)].open[turn_id]

    def submit(self, turn_id: str, utterance: Utterance) -> Interaction | None:
        """Answer a pending turn.

        Returns:
            The interaction if this answer has finished it, else None.

        Raises:
            ValueError: The turn is not pending, or the rating is above the scale.
        """
        scatter = self._current[self._index_of(turn_id)]
        self._opened += scatter.answer(turn_id, utterance)
        self.log.append(turn_id, utterance)
        if not scatter.done:
            return None
        interaction = scatter.record()
        self.interactions.append(interaction)
        self._unfinished -= 1
        if not self._unfinished:
            self._end_round()
        return interaction

    def replay(self, log: Iterable[tuple[str, Utterance]]) -> list[Interaction]:
        """Submit the log of an equal world, and return the interactions that this has finished.

        Raises:
            ValueError: The log does not fit this world.
        """
        finished = (self.submit(turn_id, utterance) for turn_id, utterance in log)
        return [interaction for interaction in finished if interaction]

    def fork(self, *, name: str | None = None, sample: int | None = None) -> "World":
        """Return an independent world at the same point, for a search or a group of rollouts.

        The fork equals a world with the same arguments and log. It shares the embedder and what
        never changes (questions, embeddings, utterances), so that forking is cheap: neither
        world is played again, and nothing is embedded again.

            >>> world = World(seed=0)
            >>> forks = [world.fork(name=f"try_{n}", sample=n) for n in range(4)]

        Args:
            name: Name of the fork in its records, including those of the interactions that have
                finished; default: the same name. Worlds of one rollout need different names.
            sample: Gives all unanswered turns other seeds, so that policies that sample from
                `Turn.seed` say other things than in this world and in forks with other numbers.
                Questions, peers and memories stay those of the world's seed. Default: the same
                seeds, so that the same policies play on in the same way.
        """
        twin = object.__new__(type(self))
        twin.__dict__ |= self.__dict__
        twin.log, twin.interactions = self.log.copy(), self.interactions.copy()
        if name is not None and name != self.name:
            twin.name = name
            twin.interactions = [interaction.moved(name) for interaction in self.interactions]
        if sample is not None:
            twin._samples = (*self._samples, sample)
        twin._memory = self._memory.fork()
        twin._current = [scatter.fork(twin.name, twin._samples) for scatter in self._current]
        turns = dict(chain.from_iterable(scatter.turns.items() for scatter in twin._current))
        twin._opened = [turns[turn.id] for turn in self._opened]
        return twin

    def __copy__(self) -> "World":
        return self.fork()

    def __deepcopy__(self, memo: dict[int, Any]) -> "World":
        return self.fork()

    def _index_of(self, turn_id: str) -> int:
        """Return the index of the subject of a pending turn."""
        parts = turn_id.split("/", 2)
        index = self._indices.get(parts[1]) if len(parts) > 1 else None
        if self.done or index is None or turn_id not in self._current[index].open:
            raise ValueError(f"turn {turn_id!r} is not pending in {self.name}")
        return index

    def _prior_memories(self, priors: Sequence[Question]) -> Iterator[tuple[str, str, str]]:
        """Yield (agent, question, answer) for every prior memory; keyed by (seed, agent)."""
        count = min(self.config.n_prior_memories, len(priors))
        for agent, view in zip(self.social_agents, self.views, strict=True):
            indices = generator(self.seed, "priors", agent).permutation(len(priors))[:count]
            for question in (priors[index] for index in sorted(indices.tolist())):
                answer = question.good if view == "good" else question.bad
                yield agent, question.text, answer or ""

    def _begin_round(self) -> None:
        size, n_agents = self.config.grid_size, len(self.social_agents)
        questions = self._deal()
        peers = [self._peers(index) for index in range(n_agents)]
        # One recall for the whole round: memories do not change within a round.
        cues = [
            (self.social_agents[listener], question.text)
            for index, question in enumerate(questions)
            for listener in (index, *peers[index])
        ]
        memories = iter(self._memory.recall(cues))
        self._current = []
        for index, question in enumerate(questions):
            setup = Setup(
                world=self.name,
                seed=self.seed,
                round=self.round,
                agent=self.social_agents[index],
                position=position(index, size),
                view=self.views[index],
                question=question.text,
                kind=question.kind,
                memory=next(memories),
                peers=[(self.social_agents[peer], next(memories)) for peer in peers[index]],
                observers=self.observers,
                reasons=self.config.feedback == "reason",
                show_ratings=self.config.show_ratings,
                revise=self.config.revise,
                rating_scale=self.config.rating_scale,
                engagement_weight=self.config.engagement_weight,
                samples=self._samples,
            )
            self._current.append(BackScatter(setup))
        self._opened = [turn for scatter in self._current for turn in scatter.open.values()]
        self._unfinished, self._first = n_agents, 0

    def _end_round(self) -> None:
        if self.config.memory:
            # At the end of the round and in the order of agents, so that no memory depends on
            # the order in which agents answered.
            finished = sorted(self.interactions[-len(self._current) :], key=lambda i: i.position)
            self._memory.remember(
                (interaction.agent, interaction.question, interaction.revision.text)
                for interaction in finished
                if interaction.revision.text.strip()
            )
        self.round += 1
        self._current, self._opened = [], []
        if self.config.stop == "pareto":
            self._stopped = no_longer_rises(
                pareto_products(self.interactions), self.config.patience
            )
        if not self.done:
            self._begin_round()

    def _deal(self) -> list[Question]:
        """Return the question of each agent in this round, in the order of agents.

        The questions are used one after the other, in a seeded order or in their given order;
        once all of them have been asked, they are used again (in another seeded order).
        """
        n_agents, n_questions = len(self.social_agents), len(self.questions)
        each_round = min(self.config.questions_per_round or n_agents, n_agents)
        places = range(self.round * each_round, (self.round + 1) * each_round)
        laps = {lap: self._order(lap) for lap in {place // n_questions for place in places}}
        questions = [laps[place // n_questions][place % n_questions] for place in places]
        seats = generator(self.seed, "seats", self.round).permutation(n_agents)
        return [questions[int(seat) % each_round] for seat in seats]

    def _order(self, lap: int) -> list[Question]:
        """Return the questions in the order of one lap, that is of one pass through all of them."""
        if self.config.question_order == "given":
            return list(self.questions)
        order = generator(self.seed, "questions", lap).permutation(len(self.questions))
        return [self.questions[index] for index in order.tolist()]

    def _peers(self, index: int) -> list[int]:
        """Return the agents who give feedback to this agent; keyed by (seed, round, agent)."""
        config, size = self.config, self.config.grid_size
        if not config.revise:
            return []
        if config.interaction == "global":
            reachable = np.delete(np.arange(size * size), index)
        else:
            reachable = neighbours(
                index, size, size // 2 if config.radius is None else config.radius
            )
        draw = generator(self.seed, "peers", self.round, index)
        order = reachable[draw.permutation(len(reachable))]
        if config.peer_dropout:
            lots = generator(self.seed, "absent", self.round, index).random(len(order))
            order = order[lots >= config.peer_dropout]
        return sorted(order[: config.n_peers].tolist())
