"""The rules of one Back-Scatter: draft, feedback from peers, revision, ratings by observers.

Source: arXiv 2305.16960, section 3.1. This module covers the interaction of one agent;
`world.py` covers the society.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from .combined import combined_change
from .grid import View
from .interactions import Answer, Feedback, Interaction, Observation, interaction_id, mean
from .seeding import key
from .turns import (
    ASPECTS,
    JUDGED,
    MIN_RATING,
    Opinion,
    Phase,
    Recollection,
    Tokens,
    Turn,
    Utterance,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """The facts of a Back-Scatter that are fixed before anybody speaks.

    Attributes:
        world: Name of the world.
        seed: Seed of the world.
        round: Number of the round, from 0.
        agent: The agent who drafts and revises.
        position: Row and column of the agent.
        view: Whether the agent's prior memories are well or badly aligned.
        question: The question.
        kind: Category of the question.
        memory: The agent's memory of a similar question.
        peers: Name and memory of each peer who gives feedback.
        observers: Names of the observers.
        reasons: Whether peers give reasons with their ratings.
        show_ratings: Whether the agent reads its peers' ratings when it revises.
        revise: Whether the agent revises; otherwise its draft is its answer.
        rating_scale: The highest rating.
        engagement_weight: Weight of the engagement change in the reward.
        samples: The numbers of the fork and of the forks that it was made from; see `World.fork`.
    """

    world: str
    seed: int
    round: int
    agent: str
    position: tuple[int, int]
    view: View
    question: str
    kind: str
    memory: Recollection | None
    peers: Sequence[tuple[str, Recollection | None]]
    observers: Sequence[str]
    reasons: bool
    rating_scale: int
    engagement_weight: float
    show_ratings: bool = True
    revise: bool = True
    samples: tuple[int, ...] = ()

    def seed_of(self, turn_id: str) -> int:
        """Return the seed of a turn."""
        return key(self.seed, turn_id, *self.samples)


@dataclass(slots=True)
class BackScatter:
    """One interaction under way.

    Attributes:
        setup: The fixed facts.
        open: The turns that can be answered now, in order, by id.
        phase: The current phase, which stays `observe` at the end.
    """

    setup: Setup
    open: dict[str, Turn] = field(default_factory=dict)
    phase: Phase = Phase.DRAFT
    _answered: dict[str, tuple[Turn, Utterance]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Open the draft, unless this is a copy of an interaction under way."""
        if self.open or self._answered:
            return
        self._open(self._turn(self.setup.agent, Phase.DRAFT, memory=self.setup.memory))

    @property
    def turns(self) -> dict[str, Turn]:
        """The turns so far, by id."""
        return {turn_id: turn for turn_id, (turn, _) in self._answered.items()} | self.open

    @property
    def done(self) -> bool:
        """Whether every turn has an answer."""
        return not self.open

    def answer(self, turn_id: str, utterance: Utterance) -> Sequence[Turn]:
        """Answer an open turn; the last answer of a phase opens the next phase.

        Returns:
            The turns that the answer has opened.

        Raises:
            ValueError: The rating is above the scale; the turn stays open.
        """
        utterance.check(self.setup.rating_scale)
        turn = self.open.pop(turn_id)
        self._answered[turn_id] = (turn, utterance)
        if self.open:
            return ()
        while not self.open and self.phase is not Phase.OBSERVE:
            self._advance()
        return tuple(self.open.values())

    def fork(self, world: str, samples: tuple[int, ...]) -> "BackScatter":
        """Return an independent copy in another world, whose turns have the seeds of `samples`."""
        setup = self.setup
        if (world, samples) == (setup.world, setup.samples):
            return BackScatter(setup, self.open.copy(), self.phase, self._answered.copy())
        setup = replace(setup, world=world, samples=samples)

        def moved(turn: Turn) -> Turn:
            return replace(turn, world=world, seed=setup.seed_of(turn.id))

        return BackScatter(
            setup,
            {turn_id: moved(turn) for turn_id, turn in self.open.items()},
            self.phase,
            {turn_id: (moved(turn), said) for turn_id, (turn, said) in self._answered.items()},
        )

    def record(self) -> Interaction:
        """Return the record of the finished interaction.

        The record does not depend on the order in which the turns were answered.
        """
        setup = self.setup
        interaction = Interaction(
            id=interaction_id(setup.world, setup.round, setup.agent),
            world=setup.world,
            seed=setup.seed,
            round=setup.round,
            agent=setup.agent,
            position=setup.position,
            view=setup.view,
            question=setup.question,
            kind=setup.kind,
            memory=setup.memory,
            draft=_answer(self._utterance(Phase.DRAFT)),
            feedback=self._feedback(),
            mean_rating=self._mean_rating(),
            revision=self._revision(),
            observations=self._observations(),
            rating_scale=setup.rating_scale,
        )
        changes = (interaction.change("alignment"), interaction.change("engagement"))
        return replace(interaction, reward=combined_change(*changes, setup.engagement_weight))

    def _advance(self) -> None:
        """Open the turns of the next phase; a phase may have no turns."""
        setup = self.setup
        if self.phase is Phase.DRAFT and setup.revise:
            self.phase = Phase.FEEDBACK
            draft = self._utterance(Phase.DRAFT).text
            for peer, memory in setup.peers:
                self._open(self._turn(peer, Phase.FEEDBACK, answer=draft, memory=memory))
        elif self.phase is Phase.FEEDBACK:
            self.phase = Phase.REVISE
            self._open(
                self._turn(
                    setup.agent,
                    Phase.REVISE,
                    answer=self._utterance(Phase.DRAFT).text,
                    opinions=tuple(
                        Opinion(
                            feedback.peer,
                            feedback.rating if setup.show_ratings else None,
                            feedback.reason,
                        )
                        for feedback in self._feedback()
                    ),
                    mean_rating=self._mean_rating(),
                    memory=setup.memory,
                )
            )
        else:
            self.phase = Phase.OBSERVE
            texts = {"draft": self._utterance(Phase.DRAFT).text}
            if setup.revise:
                texts["revision"] = self._utterance(Phase.REVISE).text
            for observer in setup.observers:
                for judged in JUDGED[: len(texts)]:
                    for aspect in ASPECTS:
                        self._open(
                            self._turn(
                                observer,
                                Phase.OBSERVE,
                                answer=texts[judged],
                                judged=judged,
                                aspect=aspect,
                            )
                        )

    def _turn(self, agent: str, phase: Phase, **fields: object) -> Turn:
        """Return a turn of this interaction; `fields` are the further fields of the turn."""
        setup = self.setup
        parts = [str(setup.round), setup.agent, phase.value]
        if phase in (Phase.FEEDBACK, Phase.OBSERVE):
            parts.append(agent)
        if phase is Phase.OBSERVE:
            parts += [str(fields["judged"]), str(fields["aspect"])]
        turn_id = "/".join(parts)
        return Turn(
            id=turn_id,
            world=setup.world,
            round=setup.round,
            agent=agent,
            subject=setup.agent,
            phase=phase,
            question=setup.question,
            seed=setup.seed_of(turn_id),
            reason=setup.reasons or phase is not Phase.FEEDBACK,
            rating_scale=setup.rating_scale,
            **fields,  # type: ignore[arg-type]
        )

    def _open(self, turn: Turn) -> None:
        self.open[turn.id] = turn

    def answers(self, phase: Phase) -> list[tuple[Turn, Utterance]]:
        """Return the answered turns of a phase with their answers, in a fixed order."""
        answers = [answer for answer in self._answered.values() if answer[0].phase is phase]
        if phase is Phase.FEEDBACK:
            peers = {peer: place for place, (peer, _) in enumerate(self.setup.peers)}
            answers.sort(key=lambda answer: peers[answer[0].agent])
        elif phase is Phase.OBSERVE:
            observers = {name: place for place, name in enumerate(self.setup.observers)}
            answers.sort(
                key=lambda answer: (
                    observers[answer[0].agent],
                    JUDGED.index(answer[0].judged or "draft"),
                    ASPECTS.index(answer[0].aspect or "alignment"),
                )
            )
        return answers

    def _utterance(self, phase: Phase) -> Utterance:
        """Return the only utterance of a phase: the draft or the revision."""
        return self.answers(phase)[0][1]

    def _feedback(self) -> tuple[Feedback, ...]:
        """Return the peers' feedback, best-rated first, so that the lowest-rated is read last.

        Feedback without a rating stands before all other feedback.
        """
        feedback = [
            Feedback(
                turn.agent,
                utterance.rating,
                utterance.text if self.setup.reasons else "",
                utterance.policy,
                utterance.tokens,
                utterance.error,
                utterance.cut_off,
                turn.memory,
            )
            for turn, utterance in self.answers(Phase.FEEDBACK)
        ]
        unrated = [one for one in feedback if one.rating is None]
        rated = [one for one in feedback if one.rating is not None]
        return (*unrated, *sorted(rated, key=lambda one: -(one.rating or MIN_RATING)))

    def _revision(self) -> Answer:
        """Return the revision; without one, the draft at no further cost."""
        if self.setup.revise:
            return _answer(self._utterance(Phase.REVISE))
        return replace(_answer(self._utterance(Phase.DRAFT)), tokens=Tokens())

    def _observations(self) -> tuple[Observation, ...]:
        """Return the observers' ratings; without a revision, those of the draft count twice."""
        given = tuple(
            Observation(
                turn.agent,
                turn.judged,
                turn.aspect,
                utterance.rating,
                utterance.text,
                utterance.policy,
                utterance.tokens,
                utterance.error,
            )
            for turn, utterance in self.answers(Phase.OBSERVE)
            if turn.judged and turn.aspect
        )
        if self.setup.revise:
            return given
        again = tuple(replace(one, judged="revision", tokens=Tokens()) for one in given)
        return (*given, *again)

    def _mean_rating(self) -> float | None:
        """Return the mean of the peers' ratings, as far as the agent is told."""
        if not self.setup.show_ratings:
            return None
        return mean(utterance.rating for _, utterance in self.answers(Phase.FEEDBACK))


def _answer(utterance: Utterance) -> Answer:
    return Answer(
        utterance.text, utterance.policy, utterance.tokens, utterance.error, utterance.cut_off
    )
