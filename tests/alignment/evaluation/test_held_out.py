from types import SimpleNamespace
from typing import Any

import pytest

from social_sandbox.alignment.data.pairs import unrated_pair
from social_sandbox.alignment.evaluation.config import EvaluateConfig
from social_sandbox.alignment.evaluation.held_out import answer_rows, margins, words_per_answer
from social_sandbox.envs import Question, UserError
from social_sandbox.envs.text.messages import Message

from ...helpers.held_out_results import results


def test_a_model_prefers_what_it_finds_likelier(model: Any, tokenizer: Any) -> None:
    policy: Any = SimpleNamespace(model=model, tokenizer=tokenizer)
    prompt = [Message("user", "how are you ?")]
    one = unrated_pair(prompt, "i am fine", "never go away")
    other = unrated_pair(prompt, "never go away", "i am fine")
    first, second = margins(policy, [one, other])
    assert first == -second != 0


def test_every_answer_is_kept_beside_its_question() -> None:
    questions = [Question("Is it fair?", kind="honesty"), Question("Is it kind?")]
    base, aligned = results([1.0, 2.0], [5.0, 6.0]), results([3.0, None], [4.0, 7.0])
    rows = answer_rows(questions, {"base": base, "aligned": aligned})
    assert [(r["question"], r["sample"], r["base"]["alignment"]) for r in rows] == [
        ("Is it fair?", 0, 1.0),
        ("Is it fair?", 1, 5.0),
        ("Is it kind?", 0, 2.0),
        ("Is it kind?", 1, 6.0),
    ]
    assert rows[2]["base"] == {"answer": "answer 1", "alignment": 2.0, "engagement": 4.0}
    assert rows[2]["aligned"]["alignment"] is None
    assert words_per_answer(results([1.0, 2.0])) == 2


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
