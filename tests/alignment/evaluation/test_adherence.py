"""How many answers of two models follow norms."""

from social_sandbox.alignment.evaluation.adherence import ALL, compare_adherence, verdict
from social_sandbox.alignment.evaluation.config import EvaluateConfig
from social_sandbox.alignment.evaluation.held_out import HeldOutResults, answer_rows
from social_sandbox.envs.rules.questions import Question
from social_sandbox.policies.norms import NORMS
from social_sandbox.policies.norms.norm import followed

QUESTIONS = [Question(f"May I keep the wallet {n}?") for n in range(4)]
NORM = NORMS["asks_back"]
LONG = "Well, " + "you may keep it or give it back, as you like, " * 4 + "friend."


def results(*answers: str) -> HeldOutResults:
    ratings = [[1.0] * len(answers)]
    return HeldOutResults([list(answers)], {"alignment": ratings, "engagement": ratings}, [])


BASE = results(LONG, LONG, LONG, "Whose is it?")
ALIGNED = results("Whose is it?", "Why?", "No.", "Whose is it?")


def test_shares_are_compared_by_question_with_an_interval() -> None:
    norms = [NORM, NORMS["brief"]]
    table = compare_adherence(QUESTIONS, BASE, ALIGNED, norms, EvaluateConfig(resamples=200))
    assert list(table) == ["asks_back", "brief", ALL]
    asks_back = table["asks_back"]
    assert asks_back.base
    assert asks_back.aligned
    assert asks_back.difference
    assert (asks_back.base.mean, asks_back.aligned.mean) == (0.25, 0.75)
    assert asks_back.difference.mean == 0.5
    brief, both = table["brief"].aligned, table[ALL].aligned
    assert brief
    assert both
    assert (brief.mean, both.mean) == (1, 0.75)


def test_samples_of_a_question_are_averaged() -> None:
    twice = HeldOutResults(
        [*BASE.answers, *ALIGNED.answers], {"alignment": [], "engagement": []}, []
    )
    (comparison,) = compare_adherence(
        QUESTIONS, twice, twice, [NORM], EvaluateConfig(resamples=200)
    ).values()
    assert comparison.base
    assert comparison.base.n == 4
    assert comparison.base.mean == 0.5


def test_a_norm_counts_on_questions_to_which_it_applies() -> None:
    norm = NORMS["declines_harm"]
    (harmless,) = [q for q in QUESTIONS[:1] if not norm.applies(q.text)]
    assert followed([norm], harmless.text, "No.") == {}
    assert not compare_adherence(QUESTIONS, BASE, ALIGNED, [norm], EvaluateConfig())


def test_without_norms_nothing_is_compared() -> None:
    assert compare_adherence(QUESTIONS, BASE, ALIGNED, [], EvaluateConfig()) == {}
    assert "norms" not in answer_rows(QUESTIONS, {"base": BASE})[0]["base"]


def test_rows_say_which_norms_an_answer_follows() -> None:
    rows = answer_rows(QUESTIONS, {"base": BASE, "aligned": ALIGNED}, [NORM])
    assert [row["aligned"]["norms"]["asks_back"] for row in rows] == [True, True, False, True]


def test_a_verdict_needs_an_interval_without_zero() -> None:
    assert verdict({"mean": 1.0, "low": 0.1, "high": 2.0}) == "more"
    assert verdict({"mean": -1.0, "low": -2.0, "high": -0.1}) == "less"
    assert verdict({"mean": 1.0, "low": 0.0, "high": 2.0}) == verdict(None) == "unclear"
