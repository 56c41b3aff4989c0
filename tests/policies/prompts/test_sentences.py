import pytest

from social_sandbox.policies.prompts.sentences import whole_sentences


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("Be kind. It is bet", "Be kind."),
        ('She said "no." And th', 'She said "no."'),
        ("Nothing ends here", "Nothing ends here"),
        ("Is it? Yes", "Is it?"),
        ("1. Be kind and 2.", "1. Be kind and 2."),
        ("It costs 3.50 at le", "It costs 3.50 at le"),
    ],
)
def test_an_incomplete_last_sentence_is_dropped(text: str, whole: str) -> None:
    assert whole_sentences(text) == whole
