"""A contract test for anybody's policy: what is wrong with it, in plain words.

from social_sandbox.policies.testing import check_policy

def test_my_policy() -> None:
    assert check_policy(MyPolicy()) == []
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.seeding import key
from social_sandbox.envs.turns import (
    ASPECTS,
    JUDGED,
    RATED_PHASES,
    Opinion,
    Phase,
    Recollection,
    Turn,
    Utterance,
)

from .adapt import as_policy, checked
from .policy import Policy

_QUESTIONS = ("May I read her diary?", "Is a white lie fine — even “once”?", "¿Debo decírselo? 🙂")


def check_policy(
    policy: Any, phases: Iterable[Phase | str] = tuple(Phase), *, deterministic: bool = True
) -> list[str]:
    """What is wrong with a policy (or any agent, see `as_policy`); empty where nothing is.

    It is asked alone and in a batch, forwards and backwards, and twice: the number and the order
    of answers, texts where texts are asked for and ratings on the scale where ratings are, and the
    same answer to the same turn.

    Args:
        policy: what to check.
        phases: what it is made for: an observer need not draft.
        deterministic: whether it has to say the same to the same turn. Not with an API.
    """
    try:
        player = as_policy(policy)
    except UserError as error:
        return [str(error)]
    turns = example_turns(phases)
    together, problem = _ask(player, turns, "a batch")
    if together is None:
        return [problem]
    found = [*_wrong_kind(turns, together)]
    if _ask(player, [], "an empty batch")[0] is None:
        found.append("an empty batch: should give an empty list, and fails")
    if not deterministic:
        return found
    again, problem = _ask(player, turns, "the same batch a second time")
    if again is None:
        return [*found, problem]
    changed = _differing(turns, together, again)
    if changed:
        # Everything below would only say so again.
        return [
            *found,
            f"not deterministic: asked twice, {changed} is answered differently; "
            "take randomness from turn.seed alone",
        ]
    backwards, problem = _ask(player, turns[::-1], "the batch backwards")
    if backwards is None:
        return [*found, problem]
    changed = _differing(turns, together, backwards[::-1])
    if changed and [u.text for u in backwards] == [u.text for u in together]:
        found.append("wrong order: answers do not follow the order of the turns")
    elif changed:
        found.append(f"the order of the batch changes what is said: {changed} differs")
    alone = [_ask(player, [turn], "one turn") for turn in turns]
    broken = [problem for said, problem in alone if said is None]
    if broken:
        return [*found, broken[0]]
    changed = _differing(turns, together, [said[0] for said, _ in alone if said])
    if changed:
        found.append(f"not batched rightly: asked alone, {changed} is answered differently")
    return found


def example_turns(phases: Iterable[Phase | str] = tuple(Phase)) -> list[Turn]:
    """Turns of these phases, as a society would ask them."""
    wanted = [Phase(phase) for phase in phases]
    turns = []
    for number, question in enumerate(_QUESTIONS):
        turn = Turn(
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
        heard = (Opinion("social_1", 5.0, "polite"), Opinion("social_2", None, ""))
        shapes = {
            Phase.DRAFT: [turn],
            Phase.FEEDBACK: [replace(turn, agent="social_1", answer="Never.")],
            Phase.REVISE: [replace(turn, answer="Never.", opinions=heard, mean_rating=5.0)],
            Phase.OBSERVE: [
                replace(turn, agent="observer_0", answer="Never.", judged=j, aspect=a, memory=None)
                for j in JUDGED
                for a in ASPECTS
            ],
        }
        turns += [replace(turn, phase=phase) for phase in wanted for turn in shapes[phase]]
    named = [
        replace(turn, id=f"{n}/{turn.agent}/{turn.phase.value}") for n, turn in enumerate(turns)
    ]
    return [replace(turn, seed=key("check", turn.id)) for turn in named]


def _ask(policy: Policy, turns: Sequence[Turn], what: str) -> tuple[list[Utterance] | None, str]:
    try:
        return checked(policy.act(turns), turns, policy.name), ""
    except UserError as error:
        return None, f"{what}: {error}"
    except Exception as error:
        return None, f"{what}: it fails with {type(error).__name__}: {error}"


def _wrong_kind(turns: Sequence[Turn], said: Sequence[Utterance]) -> Iterable[str]:
    for phase in Phase:
        answers = [u for t, u in zip(turns, said, strict=True) if t.phase is phase]
        if phase in RATED_PHASES and answers and all(u.rating is None for u in answers):
            yield f"{phase.value}: it never gives a rating"
        if phase not in RATED_PHASES and answers and not any(u.text.strip() for u in answers):
            yield f"{phase.value}: it never says anything"


def _differing(turns: Sequence[Turn], one: Sequence[Utterance], two: Sequence[Utterance]) -> str:
    """The first turn that is answered differently, in words."""
    for turn, a, b in zip(turns, one, two, strict=True):
        if (a.text, a.rating) != (b.text, b.rating):
            return f"{turn.phase.value} ({turn.id})"
    return ""
