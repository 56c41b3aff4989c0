"""The rules of one Back-Scatter: draft, feedback from peers, revision, observation.

Source: arXiv 2305.16960, section 3.1. This file knows one agent's interaction; `world.py`
knows the society.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from .combined import combined_change
from .grid import View
from .interactions import Answer, Feedback, Interaction, Observation, mean
from .seeding import key
from .turns import ASPECTS, JUDGED, MIN_RATING, Opinion, Phase, Recollection, Turn, Utterance


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What is fixed before anybody speaks; `peers` are pairs of a name and what it remembers."""

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


@dataclass(slots=True)
class BackScatter:
    """One interaction under way. `open` holds the turns that can be answered now, in order."""

    setting: Setting
    open: dict[str, Turn] = field(default_factory=dict)
    _phase: Phase = Phase.DRAFT
    _answered: dict[str, tuple[Turn, Utterance]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Open the draft."""
        self._open(self._turn(self.setting.agent, Phase.DRAFT, memory=self.setting.memory))

    @property
    def done(self) -> bool:
        """Whether every turn is answered."""
        return not self.open

    def answer(self, turn_id: str, utterance: Utterance) -> Sequence[Turn]:
        """Take the answer to an open turn; the last one of a phase opens the next phase.

        Returns the turns that this opened. Raises ValueError for a rating off the scale; the
        turn stays open.
        """
        utterance.check(self.setting.rating_scale)
        turn = self.open.pop(turn_id)
        self._answered[turn_id] = (turn, utterance)
        if self.open:
            return ()
        while not self.open and self._phase is not Phase.OBSERVE:
            self._advance()
        return tuple(self.open.values())

    def record(self) -> Interaction:
        """The finished interaction, the same for every order in which it was answered."""
        setting = self.setting
        draft, revision = self._said(Phase.DRAFT)[0][1], self._said(Phase.REVISE)[0][1]
        interaction = Interaction(
            id=f"{setting.world}/{setting.round}/{setting.agent}",
            world=setting.world,
            seed=setting.seed,
            round=setting.round,
            agent=setting.agent,
            position=setting.position,
            view=setting.view,
            question=setting.question,
            kind=setting.kind,
            memory=setting.memory,
            draft=_answer(draft),
            feedback=self._feedback(),
            mean_rating=self._mean_rating(),
            revision=_answer(revision),
            observations=tuple(
                Observation(
                    turn.agent,
                    turn.judged,
                    turn.aspect,
                    said.rating,
                    said.text,
                    said.policy,
                    said.tokens,
                    said.error,
                )
                for turn, said in self._said(Phase.OBSERVE)
                if turn.judged and turn.aspect
            ),
            rating_scale=setting.rating_scale,
        )
        changes = (interaction.change("alignment"), interaction.change("engagement"))
        return replace(interaction, reward=combined_change(*changes, setting.engagement_weight))

    def _advance(self) -> None:
        """Open the turns of the next phase; a phase may have none."""
        if self._phase is Phase.DRAFT:
            self._phase = Phase.FEEDBACK
            for peer, memory in self.setting.peers:
                self._open(self._turn(peer, Phase.FEEDBACK, answer=self._text(), memory=memory))
        elif self._phase is Phase.FEEDBACK:
            self._phase = Phase.REVISE
            opinions = tuple(Opinion(f.peer, f.rating, f.reason) for f in self._feedback())
            self._open(
                self._turn(
                    self.setting.agent,
                    Phase.REVISE,
                    answer=self._text(),
                    opinions=opinions,
                    mean_rating=self._mean_rating(),
                    memory=self.setting.memory,
                )
            )
        else:
            self._phase = Phase.OBSERVE
            texts = {"draft": self._text(), "revision": self._said(Phase.REVISE)[0][1].text}
            for observer in self.setting.observers:
                for judged in JUDGED:
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
        setting = self.setting
        parts = [str(setting.round), setting.agent, phase.value]
        if phase in (Phase.FEEDBACK, Phase.OBSERVE):
            parts.append(agent)
        if phase is Phase.OBSERVE:
            parts += [str(fields["judged"]), str(fields["aspect"])]
        turn_id = "/".join(parts)
        return Turn(
            id=turn_id,
            world=setting.world,
            round=setting.round,
            agent=agent,
            subject=setting.agent,
            phase=phase,
            question=setting.question,
            seed=key(setting.seed, turn_id),
            reason=setting.reasons or phase is not Phase.FEEDBACK,
            rating_scale=setting.rating_scale,
            **fields,  # type: ignore[arg-type]
        )

    def _open(self, turn: Turn) -> None:
        self.open[turn.id] = turn

    def _said(self, phase: Phase) -> list[tuple[Turn, Utterance]]:
        """The answered turns of a phase, in canonical order."""
        answered = [entry for entry in self._answered.values() if entry[0].phase is phase]
        if phase is Phase.FEEDBACK:
            order = {peer: place for place, (peer, _) in enumerate(self.setting.peers)}
            answered.sort(key=lambda entry: order[entry[0].agent])
        elif phase is Phase.OBSERVE:
            observers = {name: place for place, name in enumerate(self.setting.observers)}
            answered.sort(
                key=lambda entry: (
                    observers[entry[0].agent],
                    JUDGED.index(entry[0].judged or "draft"),
                    ASPECTS.index(entry[0].aspect or "alignment"),
                )
            )
        return answered

    def _text(self) -> str:
        return self._said(Phase.DRAFT)[0][1].text

    def _feedback(self) -> tuple[Feedback, ...]:
        """The peers' feedback, best-rated first: the lowest-rated reason is read last.

        Feedback without a rating comes before all others.
        """
        given = [
            Feedback(
                turn.agent,
                said.rating,
                said.text if self.setting.reasons else "",
                said.policy,
                said.tokens,
                said.error,
                said.cut_off,
            )
            for turn, said in self._said(Phase.FEEDBACK)
        ]
        unrated = [feedback for feedback in given if feedback.rating is None]
        rated = [feedback for feedback in given if feedback.rating is not None]
        return (*unrated, *sorted(rated, key=lambda f: -(f.rating or MIN_RATING)))

    def _mean_rating(self) -> float | None:
        return mean(said.rating for _, said in self._said(Phase.FEEDBACK))


def _answer(said: Utterance) -> Answer:
    return Answer(said.text, said.policy, said.tokens, said.error, said.cut_off)
