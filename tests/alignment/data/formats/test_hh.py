import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from social_sandbox.alignment.data.formats.dialogue import (
    as_dialogue,
    human_turns,
    last_question,
    messages,
)
from social_sandbox.alignment.data.formats.hh import hh_rows, read_hh, read_pairs
from social_sandbox.alignment.data.formats.pair import PairRating
from social_sandbox.alignment.data.groups import RatedGroup
from social_sandbox.envs import UserError
from social_sandbox.envs.text.messages import Message

ASKED = "\n\nHuman: Hi\n\nAssistant: Hello.\n\nHuman: May I lie?\n\nAssistant:"
TURNS = (Message("user", "Hi"), Message("assistant", "Hello."), Message("user", "May I lie?"))
REPLIES = {"prompt": ASKED, "chosen": " Rather not.", "rejected": " Sure."}
DIALOGUES = {"chosen": f"{ASKED} Rather not.", "rejected": f"{ASKED} Sure."}


def read(*rows: Any, how: PairRating | None = None) -> tuple[list[RatedGroup], Counter[str]]:
    dropped = Counter[str]()
    placed = [(f"data: pairs, line {n}", row) for n, row in enumerate(rows, start=1)]
    return list(read_hh("pairs.jsonl", placed, how or PairRating(), dropped)), dropped


def test_a_dialogue_is_split_turn_by_turn() -> None:
    assert messages(ASKED) == TURNS
    assert human_turns(ASKED) == ["Hi", "May I lie?"]
    assert messages("May I lie?") == (Message("user", "May I lie?"),)
    assert messages("  ") == ()


def test_turns_of_one_speaker_in_a_row_are_one_message() -> None:
    dialogue = "\n\nHuman: a\n\nHuman: b\n\nAssistant:\n\nHuman: c\n\nAssistant:"
    assert messages(dialogue) == (Message("user", "a\n\nb\n\nc"),)


@pytest.mark.parametrize(
    ("dialogue", "question", "earlier"),
    [
        (ASKED, "May I lie?", TURNS[:2]),
        ("May I lie?", "May I lie?", ()),
        ("\n\nAssistant: Hello.\n\nHuman: Hi\n\nAssistant:", "Hi", ()),
        ("\n\nHuman: Hi\n\nAssistant: Hello.\n\nHuman:\n\nAssistant:", "Hi", ()),
        ("\n\nHuman:\n\nAssistant:", "", ()),
    ],
)
def test_the_last_question_has_the_messages_before_it(
    dialogue: str, question: str, earlier: tuple[Message, ...]
) -> None:
    assert last_question(dialogue) == (question, earlier)


def test_what_a_dialogue_says_after_a_colon_of_its_own_is_no_mark() -> None:
    dialogue = "\n\nHuman: Human: or Assistant: which?\n\nAssistant:"
    assert messages(dialogue) == (Message("user", "Human: or Assistant: which?"),)


def test_a_conversation_is_written_as_it_is_read() -> None:
    assert as_dialogue(TURNS) == ASKED
    dialogue = as_dialogue((Message("system", "Be kind."), Message("user", "May I?")))
    assert dialogue == "\n\nHuman: Be kind.\n\nMay I?\n\nAssistant:"


def test_both_shapes_give_the_same_two_candidates() -> None:
    (one,), _ = read(REPLIES)
    (other,), _ = read(DIALOGUES)
    assert one == other
    assert one.prompt == TURNS
    assert [(c.text, c.rating) for c in one.candidates] == [("Rather not.", 5.0), ("Sure.", 3.0)]


def test_ratings_lie_a_gap_apart_around_the_middle_of_the_scale() -> None:
    (group,), _ = read(REPLIES, how=PairRating(gap=3.0, rating_scale=10, rater="human"))
    assert [(c.rating, c.rater) for c in group.candidates] == [(7.0, "human"), (4.0, "human")]
    assert group.rating_scale == 10


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"rejected": " Rather not. "}, "chosen and rejected are the same"),
        ({"chosen": " "}, "blank reply"),
        ({"prompt": "\n\nHuman: "}, "blank prompt"),
        ({"chosen": " No.\n\nHuman: Why?"}, "a reply goes on with a turn of the human"),
        ({"prompt": "\n\nHuman: a\n\nAssistant: b"}, "prompt does not end with the user"),
    ],
)
def test_what_is_no_pair_is_counted(change: dict[str, str], reason: str) -> None:
    groups, dropped = read({**REPLIES, **change}, REPLIES)
    assert [group.id for group in groups] == ["hh:pairs.jsonl:2"]
    assert dropped == {reason: 1}


def test_dialogues_that_part_before_the_last_reply_are_no_pair() -> None:
    other = DIALOGUES["rejected"].replace("Hello.", "Good day.")
    groups, dropped = read({**DIALOGUES, "rejected": other})
    assert (groups, dropped) == ([], {"dialogues differ before the last reply": 1})


def test_a_row_without_both_texts_is_named() -> None:
    with pytest.raises(UserError, match="data: pairs, line 2: needs texts chosen and rejected"):
        read(REPLIES, {"chosen": "a", "rejected": 3})


def test_pairs_are_written_as_they_are_read() -> None:
    groups, _ = read(REPLIES)
    rows = list(hh_rows(groups, "best_worst", 0.0))
    assert rows == [REPLIES]
    assert read(*rows)[0] == groups


def test_preference_pairs_are_read_as_conversations(tmp_path: Path) -> None:
    dialogue = "\n\nHuman: hello\n\nAssistant: yes ?\n\nHuman: how are you ?\n\nAssistant:"
    rows = [
        {"prompt": dialogue, "chosen": " fine", "rejected": " go away"},
        {"chosen": f"{dialogue} fine", "rejected": "\n\nHuman: else\n\nAssistant: no"},
    ]
    file = tmp_path / "pairs.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)))
    # The second has no two replies to one dialogue.
    [pair] = read_pairs(str(file), "evaluate.pairs")
    assert [message.role for message in pair.prompt] == ["user", "assistant", "user"]
    assert (pair.first_question, pair.last_question) == ("hello", "how are you ?")
    assert (pair.chosen.text, pair.rejected.text) == ("fine", "go away")
    file.write_text(json.dumps(rows[1]))
    with pytest.raises(UserError, match=r"evaluate\.pairs: .* has no two replies"):
        read_pairs(str(file), "evaluate.pairs")
