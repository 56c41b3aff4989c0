"""A method that plays a society, through the command line."""

import json
from pathlib import Path

import pytest
from transformers import AutoModelForCausalLM

from tests.helpers.command_line import here, lines, run
from tests.helpers.tiny import tiny_llama, tiny_tokenizer

__all__ = ["here"]

pytest.importorskip("trl")


def society_job(folder: Path, *overrides: str) -> list[str]:
    tokenizer = tiny_tokenizer()
    tokenizer.save_pretrained(folder / "roomy")
    model = tiny_llama(len(tokenizer))
    model.config.max_position_embeddings = 1024
    model.save_pretrained(folder / "roomy")
    return [
        *("method=society_grpo", f"base_model={folder / 'roomy'}", "env.memory=false"),
        *("env.grid_size=2", "method.max_steps=1", "method.batch_size=2", "method.generations=2"),
        *("method.max_new_tokens=4", "method.device=cpu", "method.max_length=512", *overrides),
    ]


def test_a_society_needs_no_recordings_to_train_in(here: Path) -> None:
    assert run("align", *society_job(here)) == 0
    folder = here / "runs/default/alignment"
    AutoModelForCausalLM.from_pretrained(folder / "model")
    record = json.loads((folder / "stage.json").read_text())
    assert record["settings"]["society"]["env"]["grid_size"] == 2
    groups = lines(here / "runs/default/questions.jsonl")
    assert {group["kind"] for group in groups} == {"question"}
    # A complete stage is not repeated.
    assert run("align", *society_job(here)) == 0


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("env.n_observers=0", "env.n_observers: the reward rise needs an observer"),
        ("method.rewards=[ries]", "method.rewards: no reward 'ries'"),
        ("method.rewards=[norm:breif]", "did you mean 'brief'"),
        ("method.generations=3", "method.generations: must be a divisor"),
    ],
)
def test_a_wrong_setting_is_one_line(
    here: Path, capsys: pytest.CaptureFixture[str], override: str, message: str
) -> None:
    assert run("align", *society_job(here, override)) == 2
    assert message in capsys.readouterr().err
