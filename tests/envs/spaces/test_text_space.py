"""What Gymnasium does with spaces works for texts."""

import copy
import pickle

import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.spaces.utils import (
    flatdim,
    flatten,
    flatten_space,
    is_space_dtype_shape_equiv,
    unflatten,
)
from gymnasium.vector.utils import (
    batch_differing_spaces,
    batch_space,
    concatenate,
    create_empty_array,
    create_shared_memory,
    iterate,
    read_from_shared_memory,
    write_to_shared_memory,
)
from gymnasium.wrappers.utils import create_zero_array
from hypothesis import given
from hypothesis import strategies as st

from social_sandbox.envs import UnicodeText
from social_sandbox.envs.spaces.spaces import action_space, observation_space

TEXTS = ["", "a", "é🙂", "\x00a\x00", "\ud83d", "日本語", "x" * 20]


@given(st.text(st.characters(), max_size=20))
def test_a_flat_text_becomes_the_text_again(text):
    space = UnicodeText(20)
    flat = flatten(space, text)
    assert flat in flatten_space(space)
    assert flat.shape == (flatdim(space),) == (20,)
    assert unflatten(space, flat.astype(np.float64)) == text


@pytest.mark.parametrize("text", TEXTS)
def test_odd_texts_survive_flattening_and_shared_memory(text):
    space = UnicodeText(20)
    assert unflatten(space, flatten(space, text)) == text
    memory = create_shared_memory(space, n=3)
    texts = read_from_shared_memory(space, memory, n=3)
    assert tuple(texts) == ("", "", "")
    write_to_shared_memory(space, 1, "before, and longer", memory)
    write_to_shared_memory(space, 1, text, memory)
    assert tuple(texts) == ("", text, ""), "what was read shows what is there now"
    kept = copy.deepcopy(texts)
    write_to_shared_memory(space, 1, "later", memory)
    assert kept == ("", text, "")
    assert texts[1:] == ("later", "")


def test_random_numbers_stand_for_some_text():
    space = UnicodeText(5)
    for number in range(20):
        box = flatten_space(space)
        box.seed(number)
        assert unflatten(space, box.sample()) in space


def test_observations_and_actions_become_arrays_and_back():
    for space in (observation_space(30, 2, 7), action_space(30, 7)):
        space.seed(3)
        sample = space.sample()
        flat = flatten(space, sample)
        assert flat in flatten_space(space)
        assert unflatten(space, flat) == sample


def test_texts_are_batched_as_tuples():
    space = UnicodeText(9)
    batch = batch_space(space, 3)
    assert concatenate(space, ["a", "b", "c"], None) in batch
    assert create_empty_array(space, 3) == ("", "", "")
    assert create_zero_array(space) == ""
    assert create_zero_array(observation_space(9, 2, 7)) in observation_space(9, 2, 7)
    assert list(iterate(batch, ("a", "b", "c"))) == ["a", "b", "c"]
    twice = batch_space(batch, 2)
    assert list(iterate(twice, (("a", "b"),) * 3)) == [("a",) * 3, ("b",) * 3]
    assert list(iterate(space, ("a", "b"))) == ["a", "b"]
    with pytest.raises(TypeError, match="one text is no batch"):
        iterate(space, "ab")


def test_differing_spaces_can_be_batched():
    batch = batch_differing_spaces([UnicodeText(2), UnicodeText(3)])
    assert batch == spaces.Tuple([UnicodeText(2), UnicodeText(3)])
    both = [observation_space(9, 2, 7), observation_space(9, 2, 7)]
    assert concatenate(
        both[0], [each.sample() for each in both], create_empty_array(both[0], 2)
    ) in batch_differing_spaces(both)
    actions = batch_differing_spaces([action_space(9, 7), action_space(9, 10)])
    assert list(iterate(actions, ["a", "b"])) == ["a", "b"]


def test_spaces_of_equal_length_are_equivalent():
    assert is_space_dtype_shape_equiv(UnicodeText(3), UnicodeText(3))
    assert not is_space_dtype_shape_equiv(UnicodeText(3), UnicodeText(4))
    assert not is_space_dtype_shape_equiv(UnicodeText(3), spaces.Text(3))


def test_the_space_of_the_empty_text_can_be_flattened_and_shared():
    space = UnicodeText(0)
    assert unflatten(space, flatten(space, "")) == ""
    memory = create_shared_memory(space, n=2)
    write_to_shared_memory(space, 1, "", memory)
    assert tuple(read_from_shared_memory(space, memory, n=2)) == ("", "")


def test_a_batch_of_actions_is_a_dictionary_or_one_action_for_each():
    space = action_space(9, 7)
    batch = batch_space(space, 2)
    sample = batch.sample()
    assert [action in space for action in iterate(batch, sample)] == [True, True]
    assert list(iterate(batch, ("Hi.", 5))) == ["Hi.", 5]
    assert pickle.loads(pickle.dumps(space)) == space
    assert copy.deepcopy(space).sample() in space
