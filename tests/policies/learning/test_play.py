from collections.abc import Sequence
from typing import Any

import pytest
import torch

from social_sandbox.envs import Turn, UserError, Utterance, WorldConfig
from social_sandbox.envs.rules.turns import Phase
from social_sandbox.policies import AttentivePolicy, Population
from social_sandbox.policies.huggingface import prompt_ids
from social_sandbox.policies.learning import REWARDS, Start, play_groups
from social_sandbox.policies.prompts import prompt_for
from social_sandbox.policies.society import play_group

from ...helpers.speakers import tiny_speaker

RULES = WorldConfig(grid_size=2, n_prior_memories=3)
QUESTION = "how are you ?"


def play(generate: Any = None, n: int = 3, **settings: Any) -> list[Any]:
    generate = tiny_speaker() if generate is None else generate
    return play_group(3, QUESTION, generate, n, **{"config": RULES, **settings})


def test_the_tokens_of_a_row_are_the_prompts_and_what_the_model_wrote() -> None:
    heard: list[Turn] = []

    class Spy(AttentivePolicy):
        def act(self, turns: Sequence[Turn]) -> list[Utterance]:
            heard.extend(turn for turn in turns if turn.phase is Phase.FEEDBACK)
            return super().act(turns)

    speaker = tiny_speaker()
    group = play(speaker, others=Spy())
    for row in group:
        draft, revision = row.spans
        said = row.interaction
        first = Turn(
            "", "", 0, "social_0", "social_0", Phase.DRAFT, QUESTION, 0, memory=said.memory
        )
        assert list(row.token_ids[: draft.start]) == ids_of(speaker, first)
        second = Turn(
            *("", "", 0, "social_0", "social_0", Phase.REVISE, QUESTION, 0),
            answer=said.draft.text,
            opinions=said.feedback,
            mean_rating=said.mean_rating,
        )
        between = list(row.token_ids[draft.end : revision.start])
        # A draft that the limit has cut off gets the token that ends a turn.
        closing = [speaker.tokenizer.eos_token_id] if draft.cut_off else []
        assert between == closing + ids_of(speaker, second)
        wrote = {*range(draft.start, draft.end), *range(revision.start, revision.end)}
        assert [at in wrote for at in range(len(row.token_ids))] == [bool(m) for m in row.mask]
        assert row.n_prompt == draft.start
        assert revision.end == len(row.token_ids)
    assert {turn.answer for turn in heard} == {row.interaction.draft.text for row in group}


def ids_of(speaker: Any, turn: Turn) -> list[int]:
    return prompt_ids(speaker.tokenizer, prompt_for(turn).messages)


def test_log_probabilities_are_those_of_the_model_that_reads_the_row() -> None:
    speaker = tiny_speaker(temperature=0.8)
    for row in play(speaker):
        with torch.no_grad():
            logits = speaker.model(torch.tensor([row.token_ids])).logits[0, :-1].float() / 0.8
        again = logits.log_softmax(-1)[range(len(row.token_ids) - 1), row.token_ids[1:]]
        mask = torch.tensor(row.mask[1:]).bool()
        torch.testing.assert_close(
            again[mask], torch.tensor(row.logprobs[1:])[mask], atol=1e-4, rtol=0
        )
        assert not any(p for p, m in zip(row.logprobs, row.mask, strict=True) if not m)


def test_a_group_begins_alike_and_samples_differently() -> None:
    group = play(n=4)
    assert len({row.token_ids[: row.n_prompt] for row in group}) == 1
    assert len({row.token_ids for row in group}) > 1
    peers = [[one.peer for one in row.interaction.feedback] for row in group]
    assert len({tuple(sorted(names)) for names in peers}) == 1
    assert group == play(n=4)


def test_several_groups_play_at_once_like_each_of_them_alone() -> None:
    sizes: list[int] = []
    speaker = tiny_speaker()

    def generate(rows: Any, seeds: Any) -> Any:
        sizes.append(len(rows))
        return speaker(rows, seeds)

    starts = [Start(1, "go away ?"), Start(2, QUESTION)]
    groups = play_groups(starts, generate, 3, tokenizer=speaker.tokenizer, config=RULES)
    assert sizes == [6, 6]
    for start, group in zip(starts, groups, strict=True):
        alone = play_group(start.seed, start.question, speaker, 3, config=RULES)
        assert [row.token_ids for row in group] == [row.token_ids for row in alone]
        assert [row.reward for row in group] == [row.reward for row in alone]


def test_any_function_of_token_ids_can_be_the_learner() -> None:
    tokenizer = tiny_speaker().tokenizer
    (word, end) = tokenizer.convert_tokens_to_ids(["fine", "<|end|>"])

    def generate(rows: Any, seeds: Any) -> Any:
        return [([word, end], [-1.0, -0.5])] * len(rows)

    (row,) = play(generate, n=1, tokenizer=tokenizer)
    assert [span.text for span in row.spans] == ["fine", "fine"]
    assert sum(row.logprobs) == -3.0


def test_a_function_that_returns_no_tokens_is_named() -> None:
    tokenizer = tiny_speaker().tokenizer
    for answer in ("text", ([], []), ([1, 2], [0.5])):
        with pytest.raises(UserError, match="generate: "):
            play(lambda rows, seeds, a=answer: [a] * len(rows), n=1, tokenizer=tokenizer)
    with pytest.raises(UserError, match="needs a tokenizer"):
        play(lambda rows, seeds: [])


def test_a_missing_rating_is_no_reward_of_zero() -> None:
    def silent(turn: Turn) -> Utterance:
        if turn.judged == "revision" and turn.world.endswith("/1"):
            return Utterance(error="no answer")
        return AttentivePolicy().act([turn])[0]

    rewards = [row.reward for row in play(observer=silent)]
    assert [reward is None for reward in rewards] == [False, True, False]


def test_rewards_are_shares_and_can_be_mixed() -> None:
    weights = {name: 0.5 for name in [*REWARDS, "norm:brief"]}
    for row in play(rewards=weights, n=2):
        assert row.rewards.keys() == weights.keys()
        assert row.reward == pytest.approx(0.5 * sum(row.rewards.values()))
        assert all(-1 <= value <= 1 for value in row.rewards.values())


def test_an_utterance_is_credited_with_its_own_rating_or_rise() -> None:
    (row,) = play(n=1, rewards={"rise": 1.0})
    draft, revision = row.spans
    assert revision.reward == row.reward
    assert draft.reward == play(n=1, rewards={"draft": 1.0})[0].reward


def test_a_text_that_the_limit_has_cut_off_has_not_ended() -> None:
    tokenizer = tiny_speaker().tokenizer
    word, end = tokenizer.convert_tokens_to_ids(["fine", "<|end|>"])

    def is_first(row: Sequence[int]) -> bool:
        return word not in row

    def ending(rows: Any, seeds: Any) -> Any:
        return [([word, word if is_first(row) else end], [-1.0, -1.0]) for row in rows]

    (row,) = play(ending, n=1, tokenizer=tokenizer, rewards={"ended": 1.0})
    assert [span.reward for span in row.spans] == [0.0, 1.0]
    assert row.reward == 0.5


def test_by_default_a_row_is_rewarded_for_its_rise_and_for_ending() -> None:
    (row,) = play(n=1)
    assert row.reward == row.rewards["rise"] + row.rewards["ended"]


def test_a_critic_answers_one_draft_and_is_rewarded_by_the_rise() -> None:
    speaker = tiny_speaker()
    group = play(speaker, role="critic", rewards={"rise": 1.0, "agreement": 0.0, "ended": 0.0})
    assert len({row.interaction.draft for row in group}) == 1
    for row in group:
        (span,) = row.spans
        assert span.phase is Phase.FEEDBACK
        assert row.reward == row.rewards["rise"]
        assert row.rewards["ended"] == (not span.cut_off)
        others = [f for f in row.interaction.feedback if f.policy != "learner"]
        assert others
    # The model writes no numbers, and a rating that is not there agrees with nobody.
    assert {row.rewards["agreement"] for row in group} == {None}


def test_what_can_never_be_rewarded_is_refused() -> None:
    with pytest.raises(UserError, match=r"env\.n_observers: the reward rise needs an observer"):
        play(config=WorldConfig(grid_size=2, n_observers=0))
    with pytest.raises(UserError, match="no reward 'ries'"):
        play(rewards={"ries": 1.0})
    with pytest.raises(UserError, match="no norm 'breif'; did you mean 'brief'"):
        play(rewards={"norm:breif": 1.0})
    with pytest.raises(UserError, match="has no peers"):
        play(role="critic", config=WorldConfig(grid_size=1))
    with pytest.raises(UserError, match="has no player"):
        play(others=Population(observer=AttentivePolicy()))
    play(config=WorldConfig(grid_size=2, n_observers=0), rewards={"norm:brief": 1.0})


def test_a_model_in_training_stays_in_training() -> None:
    speaker = tiny_speaker()
    speaker.model.train()
    play(speaker, others=speaker)
    assert speaker.model.training
