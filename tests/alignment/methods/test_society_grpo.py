import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import TrainerCallback

from social_sandbox.alignment.data.groups import RatedGroup
from social_sandbox.alignment.methods.society_grpo import SocietyGrpo, SocietyGrpoConfig
from social_sandbox.alignment.training.config import LoraConfig
from social_sandbox.alignment.training.method import Society
from social_sandbox.alignment.training.train import train
from social_sandbox.envs import Turn, UserError, Utterance, WorldConfig
from social_sandbox.envs.text.messages import Message
from social_sandbox.policies import AttentivePolicy, Population
from tests.helpers.tiny import WORDS, tiny_llama

pytest.importorskip("trl")

QUICK = SocietyGrpoConfig(
    device="cpu",
    bf16=False,
    max_length=256,
    max_new_tokens=5,
    max_steps=2,
    batch_size=4,
    generations=4,
    learning_rate=1e-2,
    warmup_ratio=0.0,
    schedule="constant",
    logging_steps=1,
    save_steps=1,
)
RULES = WorldConfig(grid_size=2, memory=False)


class Polite(AttentivePolicy):
    """Rates thanks as aligned."""

    def act(self, turns: Any) -> list[Utterance]:
        return [self.answer(turn) for turn in turns]

    def answer(self, turn: Turn) -> Utterance:
        if turn.phase.value not in ("feedback", "observe"):
            return Utterance("i am fine")
        return Utterance("please help", 1.0 + min(5, 2 * turn.answer.split().count("thank")))


def questions(count: int = 6) -> list[RatedGroup]:
    words = WORDS.split()
    return [
        RatedGroup(
            id=f"q{n}",
            kind="question",
            prompt=(Message("user", " ".join(words[n : n + 4])),),
            candidates=(),
        )
        for n in range(count)
    ]


def roomy_llama(tokenizer: Any) -> Any:
    model = tiny_llama(len(tokenizer))
    model.config.max_position_embeddings = 512
    return model


@pytest.fixture
def reinforce(tokenizer: Any, tmp_path: Path) -> Callable[..., Any]:
    """Return a function that trains the tiny model, and returns it and the summary."""

    def run(
        folder: str = "run", population: Any = None, callbacks: Any = (), **changes: Any
    ) -> Any:
        model = roomy_llama(tokenizer)
        method = SocietyGrpo(dataclasses.replace(QUICK, **changes))
        players = population or Population(social=Polite(), observer=Polite())
        summary = train(
            model,
            tokenizer,
            questions(),
            method,
            tmp_path / folder,
            callbacks,
            progress=False,
            society=Society(RULES, players),
        )
        return model, summary

    return run


@pytest.fixture
def gradients(monkeypatch: pytest.MonkeyPatch) -> list[torch.Tensor]:
    """The gradient of the log-probability of each token behind the prompts, (rows, tokens)."""
    from trl import GRPOTrainer

    found: list[torch.Tensor] = []
    compute = GRPOTrainer._get_per_token_logps_and_entropies

    def watched(self: Any, *arguments: Any, **options: Any) -> Any:
        logprobs, *others = compute(self, *arguments, **options)
        if logprobs.requires_grad:
            logprobs.register_hook(found.append)
        return logprobs, *others

    monkeypatch.setattr(GRPOTrainer, "_get_per_token_logps_and_entropies", watched)
    return found


def rows_of(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return a list that every step's rows will be added to."""
    from social_sandbox.alignment.methods.reinforcement import rollouts as society_rollouts

    rows: list[Any] = []
    play = society_rollouts.play_groups

    def watched(*arguments: Any, **options: Any) -> Any:
        groups = play(*arguments, **options)
        rows.extend(row for group in groups for row in group)
        return groups

    monkeypatch.setattr(society_rollouts, "play_groups", watched)
    return rows


@pytest.mark.parametrize("credit", ["row", "utterance"])
def test_the_tokens_that_the_model_wrote_carry_gradient_and_no_others(
    reinforce: Any, gradients: list[torch.Tensor], monkeypatch: pytest.MonkeyPatch, credit: str
) -> None:
    rows = rows_of(monkeypatch)
    by_length = Population(social=Polite(), observer=lambda turn: 1.0 + len(turn.answer) % 6)
    reinforce(max_steps=1, rewards=["revision"], credit=credit, population=by_length)
    (grads,) = gradients
    # TRL shuffles the rows of a step.
    assert sorted((grads.abs() > 1e-6).tolist()) == sorted(reinforced(rows, credit, grads.shape[1]))
    assert grads.any()
    # What others said stands between the draft and the revision.
    assert all(0 in row.mask[row.n_prompt :] for row in rows)


def reinforced(rows: list[Any], credit: str, width: int) -> list[list[bool]]:
    """Return which tokens behind the prompt of each row should carry gradient."""
    result = []
    for row in rows:
        places: set[int] = set()
        for number, span in enumerate(row.spans):
            each = [r.reward if credit == "row" else r.spans[number].reward for r in rows]
            present = [reward for reward in each if reward is not None]
            own = row.reward if credit == "row" else span.reward
            # A reward that equals the mean of the group is no reason to change anything.
            if own is not None and own != pytest.approx(sum(present) / len(present)):
                places |= {*range(span.start, span.end)}
        result.append([row.n_prompt + place in places for place in range(width)])
    return result


def test_a_group_starts_from_one_seed_and_no_two_groups_from_the_same(
    reinforce: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = rows_of(monkeypatch)
    reinforce(batch_size=8)
    assert len(rows) == 16
    for number in range(0, 16, 4):
        group = rows[number : number + 4]
        assert len({(row.seed, row.question, row.token_ids[: row.n_prompt]) for row in group}) == 1
    assert len({row.seed for row in rows}) == 4


def test_the_model_learns_what_is_rewarded(reinforce: Any) -> None:
    _, summary = reinforce(max_steps=25, batch_size=8, generations=8, rewards=["revision"])
    rewards = [row["reward"] for row in summary.log if "reward" in row]
    assert sum(rewards[-5:]) > sum(rewards[:5]) + 0.5


def test_the_log_counts_what_happened(reinforce: Any) -> None:
    _, summary = reinforce()
    row = next(row for row in summary.log if "reward" in row)
    assert row["society/missing_rewards"] == 0
    assert 0 < row["society/share_generating"] <= 1
    assert {"rewards/rise/mean", "society/cut_off", "society/too_long"} <= row.keys()
    assert summary.tokens > 0


@pytest.mark.parametrize(
    "changes",
    [
        {"others": "learner"},
        {"role": "critic"},
        {"rewards": ["norm:brief", "rise"], "weights": [1.0, 0.5]},
        {"lora": LoraConfig(rank=2), "beta": 0.1},
    ],
)
def test_settings_can_be_combined(reinforce: Any, changes: dict[str, Any]) -> None:
    _, summary = reinforce(max_steps=1, **changes)
    assert summary.steps == 1


def test_an_interrupted_run_goes_on_as_if_nothing_had_happened(reinforce: Any) -> None:
    whole, _ = reinforce("whole", max_steps=3)
    with pytest.raises(KeyboardInterrupt):
        reinforce("parts", max_steps=3, callbacks=[StopAt(2)])
    resumed, summary = reinforce("parts", max_steps=3)
    assert summary.steps == 3
    for name, weight in whole.state_dict().items():
        torch.testing.assert_close(resumed.state_dict()[name], weight, msg=name)


class StopAt(TrainerCallback):
    """Interrupts training before a step."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.global_step == self.step:
            raise KeyboardInterrupt


def silent_about(wanted: Callable[[Turn], bool]) -> Any:
    def observer(turn: Turn) -> Utterance:
        if wanted(turn):
            return Utterance(error="the server is away")
        return Polite().answer(turn)

    return Population(social=Polite(), observer=observer)


def test_rewards_are_measured_on_questions_that_are_not_learnt(
    reinforce: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = rows_of(monkeypatch)
    _, summary = reinforce(
        held_out=0.5, held_out_steps=2, max_steps=3, rewards=["revision", "norm:brief"]
    )
    measured = [row for row in summary.log if "held_out/reward" in row]
    assert [row["step"] for row in measured] == [0, 2, 3]
    assert {"held_out/rewards/revision", "held_out/cut_off"} <= measured[0].keys()
    assert all(row["held_out/rewards/norm:brief"] == 1.0 for row in measured)
    asked = [row.question for row in rows]
    assert len(asked) == 3 * (3 + 4)
    held_out = {*asked[:3]}
    assert held_out == {*asked[11:14]} == {*asked[18:]}
    assert not held_out & {*asked[3:11], *asked[14:18]}


def test_measuring_changes_no_training_and_a_run_that_goes_on_measures_no_start(
    reinforce: Any,
) -> None:
    def log(summary: Any) -> list[dict[str, float]]:
        timed = ("seconds", "share_generating", "step_time", "runtime", "per_second")
        return [
            {name: value for name, value in row.items() if not name.endswith(timed)}
            for row in summary.log
        ]

    often = {"held_out": 0.5, "held_out_steps": 1, "max_steps": 3}
    _, whole = reinforce("whole", **often)
    _, seldom = reinforce("seldom", **{**often, "held_out_steps": 3})
    learnt = [row for row in log(whole) if "held_out/reward" not in row]
    assert learnt == [row for row in log(seldom) if "held_out/reward" not in row]
    with pytest.raises(KeyboardInterrupt):
        reinforce("cut", callbacks=[StopAt(2)], **often)
    _, resumed = reinforce("cut", **often)
    assert log(resumed) == log(whole)


@pytest.mark.parametrize("credit", ["row", "utterance"])
def test_a_row_without_a_rating_is_counted_and_teaches_nothing(
    reinforce: Any, gradients: list[torch.Tensor], monkeypatch: pytest.MonkeyPatch, credit: str
) -> None:
    def observer(turn: Turn) -> Utterance:
        if turn.world.endswith("/1"):
            return Utterance(error="the server is away")
        return Utterance(rating=1.0 + len(turn.answer) % 6)

    rows = rows_of(monkeypatch)
    _, summary = reinforce(
        population=Population(social=Polite(), observer=observer),
        max_steps=1,
        rewards=["revision"],
        credit=credit,
    )
    row = next(row for row in summary.log if "reward" in row)
    assert row["society/missing_rewards"] == 0.25
    (grads,) = gradients
    assert sorted((grads.abs() > 1e-6).tolist()) == sorted(reinforced(rows, credit, grads.shape[1]))
    assert grads.isfinite().all()
    assert [row.reward is None for row in rows] == [False, True, False, False]


def test_rewards_that_are_always_missing_end_the_run_with_the_reason(reinforce: Any) -> None:
    with pytest.raises(UserError, match=r"no answer of step 1 got a reward: observer_0 .* is away"):
        reinforce(population=silent_about(lambda turn: True))


def test_an_observer_that_fails_is_named(reinforce: Any) -> None:
    def observer(turn: Turn) -> Utterance:
        raise RuntimeError("out of order")

    with pytest.raises(UserError, match="failed in step 1: RuntimeError: out of order"):
        reinforce(population=Population(social=Polite(), observer=observer))


def test_rows_that_are_too_long_teach_nothing(reinforce: Any) -> None:
    with pytest.raises(UserError, match="no answer of step 1 got a reward"):
        reinforce(max_length=40)


def test_wrong_settings_are_named() -> None:
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"generations": 3}, "generations: must be a divisor"),
        ({"max_new_tokens": 65}, "a quarter of method.max_length=256, got 65"),
        ({"rewards": ["rise", "rise"]}, "each reward is named once"),
        ({"weights": [1.0]}, "2 rewards need as many weights, got 1"),
        ({"rewards": ["norm:breif"]}, "method.rewards: no norm 'breif'; did you mean 'brief'"),
    ]
    for changes, message in wrong:
        with pytest.raises(UserError, match=message):
            dataclasses.replace(QUICK, **changes)
    players = Population(social=Polite())
    no_observer = Society(dataclasses.replace(RULES, n_observers=0), players)
    with pytest.raises(UserError, match="the reward rise needs an observer"):
        SocietyGrpo(QUICK).check_society(no_observer)
    norms = dataclasses.replace(QUICK, rewards=["norm:brief"])
    SocietyGrpo(norms).check_society(no_observer)


def test_an_observer_that_fails_in_the_middle_loses_no_step(reinforce: Any) -> None:
    whole, _ = reinforce("whole", max_steps=3, population=rating_by_length())
    asked = 0

    def failing(turn: Turn) -> Utterance:
        nonlocal asked
        asked += 1
        if asked > 20:
            raise ConnectionError("out of order")
        return by_length(turn)

    with pytest.raises(UserError, match=r"failed in step [23]: ConnectionError: out of order"):
        reinforce("parts", max_steps=3, population=rating_by_length(failing))
    resumed, summary = reinforce("parts", max_steps=3, population=rating_by_length())
    assert summary.steps == 3
    for name, weight in whole.state_dict().items():
        torch.testing.assert_close(resumed.state_dict()[name], weight, msg=name)


def by_length(turn: Turn) -> Utterance:
    return Utterance(rating=1.0 + len(turn.answer) % 6)


def rating_by_length(observer: Any = by_length) -> Any:
    return Population(social=Polite(), observer=observer)


def test_answers_that_are_all_cut_off_are_counted(
    reinforce: Any, gradients: list[torch.Tensor]
) -> None:
    _, summary = reinforce(max_steps=1, max_new_tokens=1, rewards=["revision"])
    (row,) = [row for row in summary.log if "reward" in row]
    assert row["society/cut_off"] >= 0.5
    assert all(grads.isfinite().all() for grads in gradients)
    assert all(isinstance(value, int | float) for row in summary.log for value in row.values())


def test_a_tokenizer_without_a_chat_template_writes_plain_turns(
    reinforce: Any, tokenizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = rows_of(monkeypatch)
    monkeypatch.setattr(tokenizer, "chat_template", None)
    reinforce(max_steps=1, rewards=["revision"])
    text = tokenizer.decode(rows[0].token_ids[: rows[0].n_prompt])
    assert "<|start|>" not in text
    assert "### User" in text


def test_a_template_that_loses_messages_is_one_line(
    reinforce: Any, tokenizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokenizer, "chat_template", "{{ messages[0].content }}")
    with pytest.raises(UserError, match="template"):
        reinforce(max_steps=1)
