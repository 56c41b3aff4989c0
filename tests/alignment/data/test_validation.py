import io
import math
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from social_sandbox.alignment.data.groups import Candidate
from social_sandbox.alignment.data.validation import check_groups
from social_sandbox.alignment.reporting.data_report import print_report
from social_sandbox.alignment.training.batches.encoding import encode
from social_sandbox.alignment.training.batches.lengths import measure_lengths
from social_sandbox.envs import UserError
from social_sandbox.envs.text.messages import Message
from tests.helpers.tiny import rated

GROUPS = [
    rated("g", ("i am fine", 7.0), ("no", 2.5), ("", 3.0), ("never", None)),
    rated("h", ("fine thank you", 2.0)),
    rated("i", ("i am fine", 2.0), ("yes", math.nan)),
    replace(
        rated("j", ("go away", 2.0), ("please", 4.0)),
        kind="other",
        candidates=(Candidate("go away", 2.0, valid=False), Candidate("no", None)),
    ),
]


def test_everything_is_counted() -> None:
    assert check_groups(GROUPS, "data") == {
        "groups": 4,
        "candidates": 9,
        "kinds": {"other": 1, "test": 3},
        "group_sizes": {"0": 1, "1": 2, "2": 1},
        "ratings": {"2": 3, "7": 1},
        "rating_scale": 7,
        "contrast": 0.25,
        "dropped": {"unrated": 3, "blank": 1, "invalid": 1},
        "dropped_groups": 1,
        "cut_off": 0,
        # The same text behind the same prompt in another group.
        "duplicates": 1,
        "tied": 0,
    }


def test_data_that_trains_nothing_is_an_error_that_says_why() -> None:
    with pytest.raises(UserError, match=r"^data: nothing to train on in 1 groups.*\(2 unrated\)$"):
        check_groups([rated("g", ("a", None), ("b", None))], "data")
    with pytest.raises(UserError, match="nothing to train on in 0 groups"):
        check_groups([], "data")


def test_ratings_must_be_on_one_scale() -> None:
    ten = replace(rated("h", ("a", 9.0)), rating_scale=10)
    with pytest.raises(UserError, match=r"rated on 1\.\.7 and on 1\.\.10"):
        check_groups([GROUPS[0], ten], "data")
    with pytest.raises(UserError, match=r"group g has a rating of 9, .* its scale of 1 to 7"):
        check_groups([rated("g", ("a", 9.0))], "data")


def test_a_prompt_ends_with_the_user() -> None:
    wrong = replace(GROUPS[0], prompt=(Message("assistant", "I am fine"),))
    with pytest.raises(UserError, match="prompt of group g does not end with the user"):
        check_groups([wrong], "data")


def test_lengths_are_those_that_training_sees(tokenizer: Any) -> None:
    rows = [
        encode(tokenizer, group.prompt, candidate.text, 12)
        for group in GROUPS[:2]
        for candidate in group.candidates
        if candidate.text and candidate.rating is not None
    ]
    lengths = measure_lengths(GROUPS[:2], tokenizer, 12)
    assert lengths["truncated"] == sum(row.truncated for row in rows) == 2
    assert lengths["share_truncated"] == pytest.approx(2 / 3)
    assert lengths["prompt"] == {"median": 9, "p95": 9, "max": 9}
    assert lengths["response"] == {"median": 4, "p95": 4, "max": 4}


def test_the_report_is_a_small_table(tokenizer: Any) -> None:
    report = check_groups(GROUPS, "data") | {"lengths": measure_lengths(GROUPS, tokenizer, 12)}
    shown = io.StringIO()
    print_report(Console(file=shown, width=100), report)
    printed = shown.getvalue()
    for words in ("3 test", "dropped 5 = 56% (3 unrated, 1 blank, 1 invalid)", "2: 3, 7: 1", "12"):
        assert words in printed
    assert printed.count("\n") < 20
