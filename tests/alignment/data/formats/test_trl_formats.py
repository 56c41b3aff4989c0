"""TRL's preference and prompt-completion formats, standard and conversational."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from social_sandbox.alignment.data.formats.pair import PairRating
from social_sandbox.alignment.data.formats.preference import preference_rows, read_preferences
from social_sandbox.alignment.data.formats.prompt_completion import (
    completion_rows,
    read_completions,
)
from social_sandbox.alignment.data.groups import Candidate, RatedGroup
from social_sandbox.envs import UserError
from social_sandbox.envs.text.messages import Message
from tests.helpers.tiny import rated

ASKED = [{"role": "user", "content": "May I?"}]
PLAIN = {"prompt": "May I?", "chosen": "No.", "rejected": "Yes."}


def said(text: str) -> list[dict[str, str]]:
    return [{"role": "assistant", "content": text}]


TALK = {"prompt": ASKED, "chosen": said("No."), "rejected": said("Yes.")}


def placed(rows: tuple[Any, ...]) -> list[tuple[str, Any]]:
    return [(f"data: file, line {n}", row) for n, row in enumerate(rows, start=1)]


def pairs(*rows: Any) -> tuple[list[RatedGroup], Counter[str]]:
    dropped = Counter[str]()
    how = PairRating(rater="preference")
    return list(read_preferences("pairs.jsonl", placed(rows), how, dropped)), dropped


def completions(*rows: Any) -> tuple[list[RatedGroup], Counter[str]]:
    dropped = Counter[str]()
    return list(read_completions("said.jsonl", placed(rows), PairRating(), dropped)), dropped


def test_texts_messages_and_an_implicit_prompt_give_the_same_pair() -> None:
    implicit = {"chosen": ASKED + said("No."), "rejected": ASKED + said("Yes.")}
    groups = [pairs(row)[0] for row in (PLAIN, TALK, implicit)]
    assert groups[0] == groups[1] == groups[2]
    ((group,), *_) = groups
    assert group.prompt == (Message("user", "May I?"),)
    assert [(c.text, c.rating) for c in group.candidates] == [("No.", 5.0), ("Yes.", 3.0)]


def test_scores_that_a_pair_has_are_its_ratings() -> None:
    ((group,), _) = pairs({**TALK, "score_chosen": 6.5, "score_rejected": 6})
    assert [c.rating for c in group.candidates] == [6.5, 6.0]


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({"prompt": "a", "chosen": "b"}, "line 1: needs rejected"),
        ({"chosen": "a", "rejected": "b"}, "line 1: needs prompt"),
        ({**TALK, "chosen": said("a") + said("b")}, "chosen: must be one message"),
        ({**TALK, "chosen": ASKED}, "chosen: must be one message of the assistant"),
        ({**TALK, "prompt": [{"role": "tool", "content": "a"}]}, r"prompt\.0\.role"),
        ({**TALK, "score_chosen": "high"}, "score_chosen: must be a number"),
        ({**TALK, "score_chosen": float("nan")}, "score_chosen: must be a number"),
        ({**TALK, "rating_scale": "x"}, "rating_scale: must be one of 7, 10"),
        ({**TALK, "prompt": 3}, "prompt: must be a text or a list of messages"),
        ({"chosen": 3, "rejected": 4}, "chosen and rejected: must be lists of messages"),
        ({**PLAIN, "prompt": "\n\nHuman: Hi\n\nAssistant:"}, "of kind hh"),
    ],
)
def test_a_wrong_pair_is_named(row: dict[str, Any], problem: str) -> None:
    with pytest.raises(UserError, match=problem):
        pairs(row)


def test_a_pair_that_teaches_nothing_is_counted() -> None:
    upside_down = {**PLAIN, "score_chosen": 2, "score_rejected": 6}
    groups, dropped = pairs({**PLAIN, "rejected": "No."}, {**PLAIN, "prompt": " "}, upside_down)
    assert groups == []
    assert dropped == {
        "chosen and rejected are the same": 1,
        "blank prompt": 1,
        "chosen is rated no higher than rejected": 1,
    }


def test_one_score_alone_is_not_compared_with_a_rating_that_is_made_up() -> None:
    ((group,), _) = pairs({**PLAIN, "score_chosen": 2})
    assert [c.rating for c in group.candidates] == [5.0, 3.0]


GROUP = rated("g", ("low", 1.0), ("best", 7.0), ("mid", 4.0), ("none", None), ("too", 4.0))


@pytest.mark.parametrize("conversational", [True, False])
def test_pairs_are_written_as_they_are_read(conversational: bool) -> None:
    groups, _ = pairs(
        {**TALK, "score_chosen": 6.0, "score_rejected": 2.0, "chosen_ends": False, "kind": "k"},
        {**TALK, "prompt": [{"role": "user", "content": "Why?"}]},
    )
    rows = list(preference_rows(groups, "all", 0.0, conversational))
    assert isinstance(rows[0]["prompt"], list if conversational else str)
    assert pairs(*rows)[0] == groups


def test_a_completion_alone_is_the_best_that_is_known() -> None:
    ((group,), _) = completions({"prompt": "May I?", "completion": "No."})
    assert group.candidates == (Candidate("No.", 7.0),)
    assert group.kind == "demonstration"


def test_rows_of_one_id_are_one_group() -> None:
    rows = list(completion_rows([GROUP], "all", conversational=True))
    assert [row["completion"][0]["content"] for row in rows] == ["low", "best", "mid", "too"]
    ((group,), _) = completions(*rows)
    kept = tuple(c for c in GROUP.candidates if c.rating is not None)
    assert group == replace(GROUP, candidates=kept)
    (best,) = completion_rows([GROUP], "best", conversational=False)
    assert (best["prompt"], best["completion"]) == ("how are you ?", "best")


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ([{"prompt": "a"}], "line 1: needs completion"),
        ([{"prompt": "a", "completion": 3}], "line 1: completion"),
        ([{"prompt": "a", "completion": "b", "rating_scale": 5}], "rating_scale: must be one of"),
        (
            [{"prompt": p, "completion": "c", "id": "x"} for p in "ab"],
            "line 2: id 'x' has another prompt",
        ),
    ],
)
def test_a_wrong_completion_is_named(rows: list[Any], problem: str) -> None:
    with pytest.raises(UserError, match=problem):
        completions(*rows)


def test_blank_completions_are_counted() -> None:
    blank = {"prompt": "a", "completion": " "}
    assert completions(blank, {**blank, "prompt": ""}) == (
        [],
        Counter({"blank reply": 1, "blank prompt": 1}),
    )
