"""Tests for a policy of your own, which say in plain words what is wrong with the policy.

In a test suite:

    from social_sandbox.policies.testing import check_policy

    def test_my_policy() -> None:
        assert check_policy(MyPolicy()) == []

Any agent that `as_policy` accepts can be checked:

    >>> from social_sandbox.envs import RATED_PHASES, Turn, Utterance
    >>> def silent(turn: Turn) -> Utterance:
    ...     return Utterance(rating=4.0 if turn.phase in RATED_PHASES else None)
    >>> check_policy(silent)
    ['draft: it never says anything', 'revise: it never says anything']
    >>> check_policy(silent, ["feedback", "observe"])
    []
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.rules.seeding import key
from social_sandbox.envs.rules.turns import (
    ASPECTS,
    JUDGED,
    RATED_PHASES,
    Opinion,
    Phase,
    Recollection,
    Turn,
    Utterance,
)

from .adapt import as_policy, to_utterances
from .policy import Policy

_QUESTIONS = ("May I read her diary?", "Is a white lie fine — even “once”?", "¿Debo decírselo? 🙂")


def check_policy(
    policy: Any, phases: Iterable[Phase | str] = tuple(Phase), *, deterministic: bool = True
) -> list[str]:
    """Return what is wrong with a policy; an empty list means that nothing is.

    The policy is asked for the turns of `example_turns`: in one batch, a second time, in reverse
    order, and one turn at a time. Checked are the number and the order of the answers, that there
    are texts in the phases that ask for texts and ratings on the scale in the phases that ask for
    ratings, and that a turn always gets the same answer.

    Args:
        policy: The policy, or any agent that `as_policy` accepts.
        phases: The phases that the policy is made for; an observer need not draft.
        deterministic: Whether the same turn has to get the same answer. False suits a model
            behind an API.
    """
    try:
        player = as_policy(policy)
    except UserError as error:
        return [str(error)]
    turns = example_turns(phases)
    together, failure = _ask(player, turns, "a batch")
    if together is None:
        return [failure]
    problems = [*_missing_kinds(turns, together)]
    if _ask(player, [], "an empty batch")[0] is None:
        problems.append("an empty batch: should give an empty list, and fails")
    if not deterministic:
        return problems
    again, failure = _ask(player, turns, "the same batch a second time")
    if again is None:
        return [*problems, failure]
    difference = _first_difference(turns, together, again)
    if difference:
        # The comparisons below would only report the same problem again.
        return [
            *problems,
            f"not deterministic: asked twice, {difference} is answered differently; "
            "take randomness from turn.seed alone",
        ]
    backwards, failure = _ask(player, turns[::-1], "the batch backwards")
    if backwards is None:
        return [*problems, failure]
    difference = _first_difference(turns, together, backwards[::-1])
    if difference and [u.text for u in backwards] == [u.text for u in together]:
        problems.append("wrong order: answers do not follow the order of the turns")
    elif difference:
        problems.append(f"the order of the batch changes the answers: {difference} differs")
    alone = [_ask(player, [turn], "one turn") for turn in turns]
    failures = [failure for answers, failure in alone if answers is None]
    if failures:
        return [*problems, failures[0]]
    difference = _first_difference(turns, together, [answers[0] for answers, _ in alone if answers])
    if difference:
        problems.append(
            f"the batch changes the answers: asked alone, {difference} is answered differently"
        )
    return problems


def example_turns(phases: Iterable[Phase | str] = tuple(Phase)) -> list[Turn]:
    """Return turns of these phases, as a society would ask them.

    There are turns with and without a memory, with and without ratings by peers, for both aspects,
    and with characters outside ASCII.
    """
    wanted = [Phase(phase) for phase in phases]
    turns: list[Turn] = []
    for number, question in enumerate(_QUESTIONS):
        draft = Turn(
            id="",
            world="check",
            round=number,
            agent="social_0",
            subject="social_0",
            phase=Phase.DRAFT,
            question=question,
            seed=0,
            memory=Recollection("May I read his letters?", "Ask him.", 0.2) if number else None,
        )
        opinions = (Opinion("social_1", 5.0, "polite"), Opinion("social_2", None, ""))
        turns_of = {
            Phase.DRAFT: [draft],
            Phase.FEEDBACK: [replace(draft, agent="social_1", answer="Never.")],
            Phase.REVISE: [replace(draft, answer="Never.", opinions=opinions, mean_rating=5.0)],
            Phase.OBSERVE: [
                replace(draft, agent="observer_0", answer="Never.", judged=j, aspect=a, memory=None)
                for j in JUDGED
                for a in ASPECTS
            ],
        }
        for phase in wanted:
            turns += [replace(turn, phase=phase) for turn in turns_of[phase]]
    turns = [
        replace(turn, id=f"{number}/{turn.agent}/{turn.phase.value}")
        for number, turn in enumerate(turns)
    ]
    return [replace(turn, seed=key("check", turn.id)) for turn in turns]


def _ask(policy: Policy, turns: Sequence[Turn], what: str) -> tuple[list[Utterance] | None, str]:
    """Return the answers and an empty text, or None and what went wrong."""
    try:
        return to_utterances(policy.act(turns), turns, policy.name), ""
    except UserError as error:
        return None, f"{what}: {error}"
    except Exception as error:
        return None, f"{what}: it fails with {type(error).__name__}: {error}"


def _missing_kinds(turns: Sequence[Turn], answers: Sequence[Utterance]) -> Iterable[str]:
    """Yield the phases in which a policy gives no rating, or no text, though one is asked for."""
    for phase in Phase:
        in_phase = [u for t, u in zip(turns, answers, strict=True) if t.phase is phase]
        if phase in RATED_PHASES and in_phase and all(u.rating is None for u in in_phase):
            yield f"{phase.value}: it never gives a rating"
        if phase not in RATED_PHASES and in_phase and not any(u.text.strip() for u in in_phase):
            yield f"{phase.value}: it never says anything"


def _first_difference(
    turns: Sequence[Turn], one: Sequence[Utterance], other: Sequence[Utterance]
) -> str:
    """Return the phase and id of the first turn with different answers, or an empty text."""
    for turn, a, b in zip(turns, one, other, strict=True):
        if (a.text, a.rating) != (b.text, b.rating):
            return f"{turn.phase.value} ({turn.id})"
    return ""
