import pickle
from pathlib import Path

import numpy as np
import pytest

from social_sandbox.alignment.data.groups import write_groups
from social_sandbox.alignment.data.storage import stored
from social_sandbox.alignment.data.storage.stored import Made, Part, StoredGroups, open_groups
from social_sandbox.alignment.methods.stable_alignment import StableAlignment
from social_sandbox.alignment.training.made_with import training_inputs
from social_sandbox.envs.errors import UserError
from tests.helpers.memory import growth
from tests.helpers.tiny import rated_groups, tiny_llama


@pytest.fixture
def file(tmp_path: Path) -> Path:
    write_groups(tmp_path / "groups.jsonl", rated_groups(12))
    return tmp_path / "groups.jsonl"


def test_groups_of_a_file_are_those_that_were_written(file: Path) -> None:
    groups = StoredGroups(file)
    assert list(groups) == rated_groups(12)
    assert len(groups) == 12
    assert groups[-1] == rated_groups(12)[-1]
    assert list(groups[2:4]) == rated_groups(12)[2:4]
    assert list(pickle.loads(pickle.dumps(groups))) == rated_groups(12)
    with pytest.raises(IndexError):
        groups[12]


def test_a_small_file_is_read_at_once_and_a_large_one_when_it_is_used(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(open_groups(file), list)
    monkeypatch.setattr(stored, "IN_MEMORY", 0)
    assert isinstance(open_groups(file), StoredGroups)
    with pytest.raises(UserError, match="groups: cannot read"):
        open_groups(file.with_name("none.jsonl"))


def test_a_wrong_line_is_named(file: Path) -> None:
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join([*lines[:4], '{"id": 1}\n', *lines[5:]]))
    groups = StoredGroups(file)
    assert groups[3].id == "g3"
    with pytest.raises(UserError, match=r"groups: .*groups\.jsonl, line 5: "):
        groups[4]


def test_a_last_line_may_lack_its_line_feed(file: Path) -> None:
    file.write_text(file.read_text().rstrip("\n"))
    assert list(StoredGroups(file)) == rated_groups(12)


def test_parts_of_a_sequence_are_made_when_they_are_read() -> None:
    made = Made(["ab", "", "cde"], list, (2, 0, 3))
    assert list(made) == [made[n] for n in range(5)] == list("abcde")
    assert made[-1] == "e"
    assert list(Part(made, np.array([4, 0]))) == ["e", "a"]


def test_a_method_selects_the_same_parts_from_a_file(file: Path) -> None:
    method = StableAlignment()
    inside, outside = method.select(rated_groups(12)), method.select(StoredGroups(file))
    assert list(outside.examples) == list(inside.examples)
    assert [outside.examples[n] for n in range(len(outside.examples))] == list(inside.examples)
    assert list(outside.groups) == list(inside.groups)
    model = tiny_llama(20)
    both = (rated_groups(12), StoredGroups(file))
    hashes = [training_inputs(model, groups, method) for groups in both]
    assert hashes[0] == hashes[1]


@pytest.mark.slow
def test_training_on_ten_times_as_many_groups_needs_no_more_memory(tmp_path: Path) -> None:
    """The peak is of a process of its own, which checks a file and trains on it for a step."""
    # The text of these groups alone is 7 MB more, and their objects several times that.
    assert growth("tests.helpers.programs.train_on_many", 600, 6_000, tmp_path) < 6 * 2**20
