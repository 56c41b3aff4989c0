from hypothesis import given
from hypothesis import strategies as st

from social_sandbox.envs.text.changed_words import Change, changed_words

TEXTS = st.text("ab ,.\n日é", max_size=40)


@given(TEXTS, TEXTS)
def test_both_versions_can_be_read_from_the_changes(before: str, after: str) -> None:
    changes = changed_words(before, after)
    assert "".join(c.text for c in changes if c.kind != "added") == before
    assert "".join(c.text for c in changes if c.kind != "removed") == after


def test_whole_words_change() -> None:
    assert changed_words("Lend it to Tom.", "Lend money to Tom.") == [
        Change("same", "Lend "),
        Change("removed", "it"),
        Change("added", "money"),
        Change("same", " to Tom."),
    ]


def test_neighbouring_changes_are_one() -> None:
    changes = changed_words("I hate you", "I like them")
    assert changes[1:] == [Change("removed", "hate you"), Change("added", "like them")]


def test_equal_and_empty_texts() -> None:
    assert changed_words("", "") == []
    assert changed_words("same", "same") == [Change("same", "same")]
    assert changed_words("", "new") == [Change("added", "new")]


def test_a_megabyte_takes_no_time() -> None:
    before, after = "good words " * 100_000, "bad ideas " * 100_000
    assert changed_words(before, after) == [
        Change("removed", before[:-1]),
        Change("added", after[:-1]),
        Change("same", " "),
    ]
