"""The report of a run in Markdown."""

from social_sandbox.alignment.reporting.console import print_times
from social_sandbox.alignment.reporting.run_report import Findings, run_report
from social_sandbox.policies.norms import NORMS

from ...helpers.societies import play, society
from .test_console import RATING, printed

DIFFERENCE = {"mean": 1.79, "low": 1.38, "high": 2.16, "n": 104}
COLUMNS = {"base": RATING, "aligned": RATING, "difference": DIFFERENCE}
EVALUATION = {
    "questions": 104,
    "rating_scale": 7,
    "norms": {"asks_back": COLUMNS, "all norms": COLUMNS},
    "table": {
        **dict.fromkeys(("alignment", "engagement", "combined", "embedded_alignment"), COLUMNS)
    },
    "words_per_answer": {"base": 40.3, "aligned": 19.7},
}
HOSTILE = "[a](javascript:x) | *b* <img src=x>\n\x1b[31m\u202e# c"
ANSWERS = [
    {
        "question": HOSTILE,
        "sample": 0,
        "base": {"answer": HOSTILE, "alignment": 1.0, "norms": {"asks_back": False}},
        "aligned": {"answer": "Why?", "alignment": 7.0, "norms": {"asks_back": True}},
    }
]
RECORD = {
    "settings": {},
    "attempts": [
        {
            "commit": "abc",
            "began": "2026-01-01T00:00:00+00:00",
            "ended": "2026-01-01T00:02:05+00:00",
        }
    ],
}


def test_a_run_without_anything_has_a_title_alone() -> None:
    assert run_report(Findings("empty")) == "# empty\n"


def test_everything_that_came_out_is_there() -> None:
    from social_sandbox.alignment.evaluation.spread import norm_spread

    shares = norm_spread(play(society(n_rounds=2)).interactions, [NORMS["asks_back"]])
    log = [{"loss": 3.0, "loss/sft": 2.0, "loss/contrast": 1.0}, {"loss": 1.5}]
    text = run_report(
        Findings(
            "demo",
            records={"simulation": RECORD},
            shares=shares,
            log=log,
            evaluation=EVALUATION,
            answers=ANSWERS,
            figures=["loss.png", "norms.png"],
        )
    )
    for words in (
        "Made with commit abc.",
        "by the norms: the aligned model follows more (the interval excludes 0)",
        "the weaker witness",
        "| asks_back | 0 |",
        "| all norms | 5.83",
        "| rating | 5.83",
        "| imitation | 2.000 | 2.000 |",
        "![The loss with its parts, by step](figures/loss.png)",
        "| simulation | 2 min 5 s |",
        "aligned, rated 7.0; follows asks_back",
        "base, rated 1.0; breaks asks_back",
    ):
        assert words in text
    # The same norms rate both aspects: one row.
    assert "| engagement |" not in text


def test_texts_of_models_are_no_markup() -> None:
    text = run_report(Findings("demo", answers=ANSWERS))
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "\\[a\\](javascript" in text
    assert "\n# c" not in text
    assert "\\<img" in text


def test_the_time_of_each_stage_is_shown() -> None:
    lines = printed(lambda console: print_times(console, {"simulation": 125.0, "data": 3.2}, 130.0))
    assert [line.split() for line in lines[-3:]] == [
        ["simulation", "2", "min", "5", "s"],
        ["data", "3", "s"],
        ["this", "command", "2", "min", "10", "s"],
    ]
