from pathlib import Path
from typing import Any

import pytest

from social_sandbox.alignment.methods.sft import Sft
from social_sandbox.alignment.training.made_with import check_inputs, training_inputs, write_inputs
from social_sandbox.envs import UserError
from tests.helpers.methods import make_method
from tests.helpers.tiny import rated_groups, tiny_llama, tiny_tokenizer


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    checkpoint = tmp_path / "checkpoints/checkpoint-1"
    checkpoint.mkdir(parents=True)
    (checkpoint / "trainer_state.json").write_text("{}")
    return tmp_path


def inputs(groups: Any = None, *, hidden: int = 0, **settings: Any) -> dict[str, Any]:
    model = tiny_llama(len(tiny_tokenizer()) + hidden)
    return training_inputs(model, groups or rated_groups(4), make_method(Sft, **settings))


def test_checkpoints_of_another_run_are_refused(folder: Path) -> None:
    write_inputs(folder, inputs())
    check_inputs(folder, inputs())
    for other, word in (
        (inputs(rated_groups(5)), "groups"),
        (inputs(hidden=1), "base_model"),
        (inputs(learning_rate=0.5), r"method\.learning_rate"),
        (inputs(seed=7), r"method\.seed"),
    ):
        with pytest.raises(UserError, match=f"made with another {word}"):
            check_inputs(folder, other)


def test_more_steps_go_on_with_the_same_run(folder: Path) -> None:
    write_inputs(folder, inputs())
    check_inputs(folder, inputs(max_steps=9, save_steps=3))


def test_a_folder_without_checkpoints_is_anybodys(tmp_path: Path) -> None:
    write_inputs(tmp_path, inputs())
    check_inputs(tmp_path, inputs(seed=7))
