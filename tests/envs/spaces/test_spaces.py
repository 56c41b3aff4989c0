import pickle
import warnings

import numpy as np
import pytest
from gymnasium import spaces
from hypothesis import given
from hypothesis import strategies as st

from social_sandbox.envs import UnicodeText
from social_sandbox.envs.spaces.spaces import Rating, action_space, observation_space


@given(st.text(max_size=50))
def test_the_space_contains_any_unicode_text_that_is_short_enough(text):
    assert text in UnicodeText(50)
    assert (text in UnicodeText(10)) == (len(text) <= 10)


@pytest.mark.parametrize("other", [None, 3, b"bytes", ["text"], np.array("text")])
def test_the_space_contains_only_texts(other):
    assert other not in UnicodeText(50)


def test_np_str_is_text():
    assert np.str_("text") in UnicodeText(50)


def test_the_space_of_length_0_contains_the_empty_text_alone():
    assert "" in UnicodeText(0)
    assert "a" not in UnicodeText(0)


def test_a_negative_length_is_refused():
    with pytest.raises(ValueError, match="at least 0"):
        UnicodeText(-1)


@given(st.integers(0, 60), st.integers(0, 2**31))
def test_the_space_contains_its_samples(max_length, seed):
    assert UnicodeText(max_length, seed=seed).sample() in UnicodeText(max_length)


def test_samples_have_non_ascii_characters_and_may_be_empty():
    space = UnicodeText(100, seed=0)
    samples = [space.sample() for _ in range(50)]
    assert any(not sample.isascii() for sample in samples)
    assert "" in samples


def test_a_seed_fixes_the_samples():
    space = UnicodeText(100)
    drawn = []
    for seed in (7, 7, 8):
        space.seed(seed)
        drawn.append([space.sample() for _ in range(10)])
    assert drawn[0] == drawn[1] != drawn[2]


def test_sample_accepts_gymnasiums_arguments():
    nested = spaces.Dict({"text": UnicodeText(9, seed=0)})
    assert nested.sample(mask={"text": None}) in nested
    assert nested.sample(probability={"text": None}) in nested


def test_spaces_of_equal_length_are_equal():
    assert UnicodeText(5) == UnicodeText(5, seed=1)
    assert UnicodeText(5) != UnicodeText(6)
    assert UnicodeText(5) != spaces.Text(5)


def test_a_space_can_be_pickled_shown_and_written_as_json():
    space = UnicodeText(5)
    assert pickle.loads(pickle.dumps(space)) == space
    assert repr(space) == "UnicodeText(5)"
    assert space.from_jsonable(space.to_jsonable(["é", ""])) == ["é", ""]
    assert space.is_np_flattenable


def test_observations_have_no_key_that_pettingzoo_takes_for_an_array():
    assert "observation" not in observation_space(10, 2, 7).spaces
    assert "action_mask" not in observation_space(10, 2, 7).spaces


def test_an_action_has_a_text_and_a_rating_that_may_be_missing():
    space = action_space(10, 7)
    assert {"text": "", "rating": np.array(0.0)} in space
    assert {"text": "x" * 10, "rating": np.array(7.0)} in space
    assert {"text": "x" * 11, "rating": np.array(7.0)} not in space
    assert {"text": "", "rating": np.array(7.5)} not in space
    assert {"text": "", "rating": np.array(np.nan)} not in space
    assert {"text": ""} not in space


@pytest.mark.parametrize(
    "value",
    [0.0, 7.0, 7.1, -0.1, np.nan, np.inf, 3, np.float32(3), np.array(3), np.array([3.0]), "3"],
)
def test_the_quick_check_of_a_rating_agrees_with_a_box(value):
    box = spaces.Box(0.0, 7.0, (), np.float64)
    for x in (value, np.array(value)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert (x in Rating(7)) == (x in box)


def test_the_scale_bounds_ratings():
    assert {"text": "", "rating": np.array(10.0)} in action_space(10, 10)
    assert observation_space(10, 2, 10)["mean_rating"].high == 10
