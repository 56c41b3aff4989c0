# ruff: noqa: RUF001 - the letters of many scripts look alike
"""Texts of all scripts."""

import pytest

from social_sandbox.envs.rules.memory import HashingEmbedder
from social_sandbox.envs.rules.questions import Question
from social_sandbox.envs.text.texts import count_words, in_one_line, lines_of, valid, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It's well-known, isn't it? 3_a", ["It", "s", "well", "known", "isn", "t", "it", "3_a"]),
        ("Caf\u00e9 cafe\u0301", ["Caf\u00e9", "cafe\u0301"]),
        ("分享是好的。", ["分", "享", "是", "好", "的"]),
        ("मैं हिन्दी बोलता हूँ।", ["मैं", "हिन्दी", "बोलता", "हूँ"]),
        ("I ♥ 東京!", ["I", "東", "京"]),
        ("?!", []),
    ],
)
def test_words_are_those_of_their_script(text: str, expected: list[str]) -> None:
    assert words(text) == expected


def test_words_are_counted_by_blanks_where_the_script_has_them() -> None:
    assert count_words("It's well-known, is it - not?") == 6
    assert count_words("Caf\u00e9 \u2013 s\u00ed") == 3
    assert count_words("分享是好的。 Yes.") == 6


def test_similar_questions_of_unspaced_scripts_are_near_each_other() -> None:
    one, similar, other = HashingEmbedder().embed(
        ["我可以看她的日记吗？", "我可以看他的日记吗？", "今天下雨了"]
    )
    assert one @ similar > 0.5 > one @ other


def test_half_a_character_becomes_the_replacement_character() -> None:
    assert valid("a\ud800b \ud83d\ude00") == "a\ufffdb \U0001f600"
    assert valid("é\0\u2028") == "é\0\u2028"
    assert Question("a\ud800", good="b\udfff").text == "a\ufffd"


def test_every_kind_of_line_end_ends_a_line() -> None:
    ends = ["\n", "\r\n", "\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029"]
    text = "".join(f"a{end}" for end in ends)
    assert lines_of(text) == [*"a" * len(ends), ""]
    assert in_one_line(text) == " ".join("a" * len(ends))
