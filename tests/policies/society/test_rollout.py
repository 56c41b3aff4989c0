import asyncio
from collections.abc import Sequence

import pytest

from social_sandbox.envs import Turn, UserError, Utterance
from social_sandbox.envs.interactions import Answer
from social_sandbox.envs.turns import RATED_PHASES, Tokens
from social_sandbox.policies import Population, ScriptedPolicy, rollout

from ..conftest import society


class Counting(ScriptedPolicy):
    """Remembers how large the batches were."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def act(self, turns: Sequence[Turn]) -> list[Utterance]:
        self.batches.append(len(turns))
        return super().act(turns)


def test_many_worlds_give_what_each_gives_alone(scripted: Population) -> None:
    together = rollout([society(n, f"world_{n}") for n in range(3)], scripted, chunk=5)
    for number in range(3):
        alone = rollout([society(number, f"world_{number}")], scripted)
        mine = [done for done in together if done.world == f"world_{number}"]
        assert sorted(mine, key=lambda done: done.id) == sorted(alone, key=lambda done: done.id)


def test_pending_turns_of_all_worlds_form_one_batch() -> None:
    policy = Counting()
    rollout(
        [society(n, f"world_{n}", n_rounds=1) for n in range(3)],
        Population(social=policy, observer=ScriptedPolicy()),
    )
    # 3 worlds of 4 agents: drafts, then feedback of 2 peers within radius 1, then revisions.
    assert policy.batches == [12, 24, 12]


def test_a_policy_is_never_asked_for_more_than_a_chunk() -> None:
    policy = Counting()
    rollout([society()], Population(social=policy, observer=policy), chunk=3)
    assert max(policy.batches) == 3


def test_every_record_names_the_policy_that_spoke(scripted: Population) -> None:
    done = rollout([society()], scripted)[0]
    said = [done.draft, done.revision, *done.feedback, *done.observations]
    assert {entry.policy for entry in said} == {"scripted"}  # type: ignore[attr-defined]


def test_utterances_are_told_before_the_interactions_that_they_finish(
    scripted: Population,
) -> None:
    events: list[str] = []
    rollout(
        [society()],
        scripted,
        on_utterances=lambda said: events.extend(turn.id for turn, _ in said),
        on_interaction=lambda done, _: events.append(done.id),
    )
    for place, event in enumerate(events):
        if event.startswith("world_0/"):
            last_turn = f"{event.removeprefix('world_0/')}/observe/observer_0/revision/engagement"
            assert events.index(last_turn) < place


class Short(ScriptedPolicy):
    def act(self, turns: Sequence[Turn]) -> list[Utterance]:
        return super().act(turns)[1:]


class Talkative(ScriptedPolicy):
    def act(self, turns: Sequence[Turn]) -> list[Utterance]:
        return [["hello"] for _ in turns]  # type: ignore[misc]


@pytest.mark.parametrize(
    ("policy", "problem"),
    [
        (Short(), "4 turns need a list of as many answers, got 3 of them"),
        (Talkative(), "needs an Utterance or a text, got list"),
    ],
)
def test_a_policy_that_answers_wrongly_is_named(policy: ScriptedPolicy, problem: str) -> None:
    with pytest.raises(UserError, match=f"policy scripted: .*{problem}"):
        rollout([society()], Population(social=policy, observer=policy))


class Waiting(ScriptedPolicy):
    """Answers after a while, and counts how many wait at once."""

    max_concurrency = 3

    def __init__(self, failing_at: int | None = None) -> None:
        self.waiting = self.most = self.asked = 0
        self.failing_at = failing_at

    async def answer(self, turn: Turn) -> Utterance:
        self.asked += 1
        number = self.asked
        self.waiting += 1
        self.most = max(self.most, self.waiting)
        await asyncio.sleep(0.002)
        self.waiting -= 1
        if number == self.failing_at:
            raise UserError("the line is dead")
        return ScriptedPolicy().act([turn])[0]


def test_an_async_policy_answers_many_turns_at_once_and_says_the_same(
    scripted: Population,
) -> None:
    policy = Waiting()
    done = rollout([society()], Population(social=policy, observer=ScriptedPolicy()))
    assert policy.most == 3
    expected = rollout([society()], scripted)
    assert sorted(done, key=lambda d: d.id) == sorted(expected, key=lambda d: d.id)


def test_what_others_had_answered_when_one_failed_is_told() -> None:
    policy = Waiting(failing_at=5)
    told: list[str] = []
    with pytest.raises(UserError, match="the line is dead"):
        rollout(
            [society()],
            Population(social=policy, observer=ScriptedPolicy()),
            on_utterances=lambda said: told.extend(turn.id for turn, _ in said),
        )
    assert len(told) == len(set(told)) == policy.asked - 1


def test_one_agent_can_play_everybody() -> None:
    def kind(turn: Turn) -> str:
        return "Rating: 6 ### Reason: kind" if turn.phase in RATED_PHASES else "Be kind."

    done = rollout([society()], kind)[0]
    assert done.draft == Answer("Be kind.", "kind", Tokens())
    assert done.mean_rating == 6
    assert {o.reason for o in done.observations} == {"kind"}


def test_worlds_need_names_of_their_own(scripted: Population) -> None:
    with pytest.raises(UserError, match="two worlds have the same name"):
        rollout([society(0), society(1)], scripted)
