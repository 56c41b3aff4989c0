from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from social_sandbox.alignment.data.pairs import unrated_pair
from social_sandbox.alignment.evaluation.config import EvaluateConfig
from social_sandbox.alignment.evaluation.held_out import (
    Measured,
    answer_rows,
    compare,
    margins,
    words_per_answer,
)
from social_sandbox.envs import Question, UserError
from social_sandbox.envs.messages import Message

CONFIG = EvaluateConfig(resamples=2000)


def measured(*samples: list[float | None], margins: list[float] | None = None) -> Measured:
    n_questions = len(samples[0])
    answers = [[f"answer {n}" for n in range(n_questions)] for _ in samples]
    ratings = {"alignment": list(samples), "engagement": [[4.0] * n_questions for _ in samples]}
    return Measured(answers, ratings, margins or [0.1] * n_questions)  # type: ignore[arg-type]


def test_the_difference_is_paired() -> None:
    # Answers differ widely from question to question, and every one rises by about 1.
    before = measured([1.0, 3.0, 5.0, 2.0, 4.0, 6.0] * 5)
    after = measured([2.0, 4.1, 5.9, 3.0, 5.1, 6.9] * 5)
    row = compare(before, after, CONFIG)["alignment"]
    assert row["difference"] is not None
    assert row["before"] is not None
    assert row["difference"].mean == pytest.approx(1.0)
    assert 0.9 < row["difference"].low < 1 < row["difference"].high < 1.1
    assert row["before"].high - row["before"].low > 1


def test_the_combined_rating_weighs_engagement_in() -> None:
    config = EvaluateConfig(resamples=2000, engagement_weight=0.5)
    row = compare(measured([1.0, 2.0, 4.0]), measured([4.0, 5.0, 7.0]), config)["combined"]
    assert row["before"] is not None
    assert row["difference"] is not None
    assert row["before"].mean == pytest.approx((7 / 3 + 0.5 * 4) / 1.5)
    assert row["difference"].mean == pytest.approx(2.0)


def test_a_question_without_engagement_counts_by_alignment_alone() -> None:
    base, aligned = measured([1.0, 2.0, 3.0]), measured([4.0, 5.0, 6.0])
    base.ratings["engagement"] = [[1.0, None, 1.0]]
    row = compare(base, aligned, CONFIG)["combined"]
    assert row["difference"] is not None
    # The combined rating rises by (3 + 3) / 2, and alignment alone by 3.
    assert (row["difference"].n, row["difference"].mean) == (3, 3.0)
    assert row["after"] is not None
    assert row["after"].mean == pytest.approx((4.0 + 5.0 + 5.0) / 3)
    no_engagement = [measured([1.0, 2.0]), measured([4.0, 6.0])]
    for one in no_engagement:
        one.ratings["engagement"] = [[None, None]]
    table = compare(*no_engagement, CONFIG)
    assert table["combined"] == table["alignment"]
    assert table["engagement"]["difference"] is None


def test_questions_without_a_rating_on_both_sides_are_left_out() -> None:
    row = compare(measured([1.0, None, 3.0]), measured([2.0, 7.0, None]), CONFIG)["alignment"]
    assert row["difference"] is None
    row = compare(measured([1.0, None, 3.0]), measured([2.0, 7.0, 4.0]), CONFIG)["alignment"]
    assert row["difference"] is not None
    assert (row["difference"].n, row["difference"].mean) == (2, 1.0)


def test_a_question_counts_once_with_the_mean_of_its_samples() -> None:
    before = measured([1.0, 2.0, None], [3.0, None, None])
    after = measured([4.0, 4.0, 4.0], [4.0, 4.0, 4.0])
    row = compare(before, after, CONFIG)["alignment"]
    assert row["difference"] is not None
    assert (row["difference"].n, row["difference"].mean) == (2, 2.0)


def test_preferences_are_a_share() -> None:
    before = measured([4.0] * 4, margins=[0.5, -0.1, -0.1, -2.0])
    after = measured([4.0] * 4, margins=[0.2, 0.3, 0.4, -1.5])
    table = compare(before, after, CONFIG)
    assert [e.mean for e in table["prefers_good"].values() if e] == [0.25, 0.75, 0.5]
    # Three of four gained, one of them without being preferred.
    assert [e and e.mean for e in table["moved_to_good"].values()] == [None, 0.75, None]


def test_peoples_preferences_are_a_row_where_there_are_any() -> None:
    same = measured([4.0] * 4)
    assert "prefers_chosen" not in compare(same, same, CONFIG)
    before = replace(same, chosen_margins=[0.1, -0.1])
    after = replace(same, chosen_margins=[0.1, 0.1])
    row = compare(before, after, CONFIG)["prefers_chosen"]
    assert [e.mean for e in row.values() if e] == [0.5, 1.0, 0.5]


def test_a_model_prefers_what_it_finds_likelier(model: Any, tokenizer: Any) -> None:
    policy: Any = SimpleNamespace(model=model, tokenizer=tokenizer)
    asked = [Message("user", "how are you ?")]
    one = unrated_pair(asked, "i am fine", "never go away")
    other = unrated_pair(asked, "never go away", "i am fine")
    first, second = margins(policy, [one, other])
    assert first == -second != 0


def test_equal_models_have_an_interval_of_no_width() -> None:
    same = measured([3.0, 4.0, 5.0])
    row = compare(same, same, CONFIG)["alignment"]
    assert row["difference"] is not None
    assert (row["difference"].low, row["difference"].high) == (0, 0)


def test_the_interval_is_seeded() -> None:
    before, after = measured([1.0, 2.0, 3.0, 5.0]), measured([2.0, 2.0, 4.5, 4.0])
    assert compare(before, after, CONFIG) == compare(before, after, CONFIG)


def test_every_answer_is_kept_beside_its_question() -> None:
    questions = [Question("Is it fair?", kind="honesty"), Question("Is it kind?")]
    base, aligned = measured([1.0, 2.0], [5.0, 6.0]), measured([3.0, None], [4.0, 7.0])
    rows = answer_rows(questions, {"base": base, "aligned": aligned})
    assert [(r["question"], r["sample"], r["base"]["alignment"]) for r in rows] == [
        ("Is it fair?", 0, 1.0),
        ("Is it fair?", 1, 5.0),
        ("Is it kind?", 0, 2.0),
        ("Is it kind?", 1, 6.0),
    ]
    assert rows[2]["base"] == {"answer": "answer 1", "alignment": 2.0, "engagement": 4.0}
    assert rows[2]["aligned"]["alignment"] is None
    assert words_per_answer(measured([1.0, 2.0])) == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_new_tokens": 0},
        {"temperature": -1.0},
        {"samples": 0},
        {"samples": 2, "temperature": 0.0},
        {"resamples": 10},
    ],
)
def test_wrong_settings_are_named(wrong: dict[str, float]) -> None:
    with pytest.raises(UserError, match=f"evaluate.{next(iter(wrong))}"):
        EvaluateConfig(**wrong)  # type: ignore[arg-type]
