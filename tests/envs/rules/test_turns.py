import math

import pytest

from social_sandbox.envs import Utterance


@pytest.mark.parametrize("rating", [0, 0.99, math.nan, math.inf])
def test_a_number_that_is_no_rating_on_any_scale_is_refused(rating):
    with pytest.raises(ValueError, match="at least 1, or None"):
        Utterance("", rating)


@pytest.mark.parametrize(
    ("text", "stored"),
    [("\ud83d\ude42", "🙂"), ("cut \ud83d", "cut \ufffd"), ("\ude42b", "\ufffdb"), ("é", "é")],
)
def test_a_lone_surrogate_becomes_the_replacement_character(text, stored):
    assert Utterance(text).text == stored
