import asyncio
from collections.abc import Sequence

import pytest

from social_sandbox.envs import Interaction, Turn, UserError, Utterance
from social_sandbox.envs.rules.interactions import Answer
from social_sandbox.envs.rules.turns import RATED_PHASES, Tokens
from social_sandbox.policies import Population, ScriptedPolicy, rollout

from ..conftest import society


def by_id(interaction: Interaction) -> str:
    return interaction.id


class Counting(ScriptedPolicy):
    """Remembers how large the batches were."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def act(self, turns: Sequence[Turn]) -> list[Utterance]:
        self.batches.append(len(turns))
        return super().act(turns)


def test_worlds_played_together_and_alone_give_the_same_interactions(scripted: Population) -> None:
    together = rollout([society(n, f"world_{n}") for n in range(3)], scripted, chunk=5)
    for number in range(3):
        alone = rollout([society(number, f"world_{number}")], scripted)
        of_world = [one for one in together if one.world == f"world_{number}"]
        assert sorted(of_world, key=by_id) == sorted(alone, key=by_id)


def test_pending_turns_of_all_worlds_form_one_batch() -> None:
    policy = Counting()
    rollout(
        [society(n, f"world_{n}", n_rounds=1) for n in range(3)],
        Population(social=policy, observer=ScriptedPolicy()),
    )
    # 3 worlds of 4 agents: drafts, then feedback of 2 peers within radius 1, then revisions.
    assert policy.batches == [12, 24, 12]


def test_a_batch_is_at_most_a_chunk() -> None:
    policy = Counting()
    rollout([society()], Population(social=policy, observer=policy), chunk=3)
    assert max(policy.batches) == 3


def test_every_record_names_the_policy_that_spoke(scripted: Population) -> None:
    one = rollout([society()], scripted)[0]
    records = [one.draft, one.revision, *one.feedback, *one.observations]
    assert {record.policy for record in records} == {"scripted"}  # type: ignore[attr-defined]


def test_utterances_are_reported_before_the_interactions_that_they_finish(
    scripted: Population,
) -> None:
    events: list[str] = []
    rollout(
        [society()],
        scripted,
        on_utterances=lambda answers: events.extend(turn.id for turn, _ in answers),
        on_interaction=lambda interaction, _: events.append(interaction.id),
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
        self.waiting = self.most = self.n_turns = 0
        self.failing_at = failing_at

    async def answer(self, turn: Turn) -> Utterance:
        self.n_turns += 1
        number = self.n_turns
        self.waiting += 1
        self.most = max(self.most, self.waiting)
        await asyncio.sleep(0.002)
        self.waiting -= 1
        if number == self.failing_at:
            raise UserError("the line is dead")
        return ScriptedPolicy().act([turn])[0]


def test_an_async_policy_answers_many_turns_at_once_with_the_same_answers(
    scripted: Population,
) -> None:
    policy = Waiting()
    interactions = rollout([society()], Population(social=policy, observer=ScriptedPolicy()))
    assert policy.most == 3
    expected = rollout([society()], scripted)
    assert sorted(interactions, key=by_id) == sorted(expected, key=by_id)


def test_answers_that_arrived_before_a_failure_are_reported() -> None:
    policy = Waiting(failing_at=5)
    logged: list[str] = []
    with pytest.raises(UserError, match="the line is dead"):
        rollout(
            [society()],
            Population(social=policy, observer=ScriptedPolicy()),
            on_utterances=lambda answers: logged.extend(turn.id for turn, _ in answers),
        )
    assert len(logged) == len(set(logged)) == policy.n_turns - 1


def test_one_agent_can_play_everybody() -> None:
    def kind(turn: Turn) -> str:
        return "Rating: 6 ### Reason: kind" if turn.phase in RATED_PHASES else "Be kind."

    interaction = rollout([society()], kind)[0]
    assert interaction.draft == Answer("Be kind.", "kind", Tokens())
    assert interaction.mean_rating == 6
    assert {o.reason for o in interaction.observations} == {"kind"}


def test_two_worlds_with_one_name_are_refused(scripted: Population) -> None:
    with pytest.raises(UserError, match="two worlds have the same name"):
        rollout([society(0), society(1)], scripted)


def test_some_turns_alone_can_be_played(scripted: Population) -> None:
    world = society()
    (interaction,) = rollout([world], scripted, only=lambda turn: turn.subject == "social_1")
    assert interaction.agent == "social_1"
    assert {turn.subject for turn in world.pending()} == {"social_0", "social_2", "social_3"}
    # What was left out can be played later.
    assert len(rollout([world], scripted)) == 7
