import json
from pathlib import Path
from typing import Any

import pytest

from social_sandbox.alignment.data.priors import read_priors
from social_sandbox.envs import Question, UserError

ASKED = "\n\nHuman: Hi\n\nAssistant: Hello.\n\nHuman: May I lie?\n\nAssistant:"


def file(folder: Path, *rows: Any) -> str:
    path = folder / "priors.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def test_whole_dialogues_and_replies_to_a_prompt_give_the_same(tmp_path: Path) -> None:
    dialogues = {"chosen": f"{ASKED} Rather not.", "rejected": f"{ASKED} Sure."}
    replies = {"prompt": ASKED, "chosen": " Rather not.", "rejected": " Sure."}
    expected = [Question("May I lie?", good="Rather not.", bad="Sure.")]
    assert read_priors(file(tmp_path, dialogues)) == expected
    assert read_priors(file(tmp_path, replies)) == expected


def test_a_labelled_file_keeps_what_has_both_answers(tmp_path: Path) -> None:
    both = {"question": "May I?", "good": "Yes.", "bad": "Who asks?"}
    path = file(tmp_path, both, {"question": "Why?"}, {**both, "held_out": True})
    assert read_priors(path) == [Question("May I?", good="Yes.", bad="Who asks?")]


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ([{"question": "Why?"}], "has no question with a good and a bad answer"),
        ([{"chosen": "a", "rejected": "b"}, {"chosen": 3}], "line 2: needs texts"),
        ([3], r"priors\.jsonl, line 1"),
    ],
)
def test_what_is_wrong_with_a_file_is_named(tmp_path: Path, rows: list[Any], problem: str) -> None:
    with pytest.raises(UserError, match=f"priors: .*{problem}"):
        read_priors(file(tmp_path, *rows))
