"""What can be wrong is found before the simulation starts."""

import json
import sys
from pathlib import Path

import pytest

from tests.helpers.command_line import here, run
from tests.helpers.small_job import small_job
from tests.helpers.tiny import save_adapter

__all__ = ["here"]


@pytest.fixture
def job(here: Path) -> list[str]:
    """A whole job on a tiny model, with a folder of benchmarks that lacks most of their files."""
    (here / "benchmarks").mkdir()
    (here / "broken.jsonl").write_text('{"question": 3}\n')
    (here / "template.jinja").write_text("{% for %}")
    config = {"model_type": "llama"}
    for name, content in (("no_tokenizer", json.dumps(config)), ("damaged", "{")):
        (here / name).mkdir()
        (here / name / "config.json").write_text(content)
    return small_job(here)


def refused(capsys: pytest.CaptureFixture[str], folder: Path, *arguments: str) -> str:
    """Return the message with which the main job refuses these settings, before it simulates."""
    assert run("run", *arguments) == 2
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert not (folder / "runs/default/simulation").exists()
    return message.strip()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["evaluate.benchmarks=[truth]"], "evaluate.benchmarks: no"),
        (["evaluate.benchmarks=[hhh]", "evaluate.data_dir=benchmarks"], "hhh: no "),
        (["evaluate.benchmarks=[hhh]", "evaluate.data_dir=nowhere"], "no such folder: nowhere"),
        (["evaluate.benchmarks=all", "evaluate.data_dir=benchmarks"], "has no file of any"),
        (["evaluate.during=[truth]"], "evaluate.during: no"),
        (["evaluate.model=policy"], "evaluate.model=policy goes through benchmarks alone"),
        (["evaluate.model=./nowhere"], "evaluate.model: no such folder: ./nowhere"),
        (["evaluate.questions=nowhere.jsonl"], "evaluate.questions: cannot read nowhere.jsonl"),
        (["evaluate.questions=broken.jsonl"], "evaluate.questions: broken.jsonl, line 1"),
        (["evaluate.pairs=nowhere.jsonl"], "evaluate.pairs: cannot read nowhere.jsonl"),
        (["base_model=./nowhere"], "base_model: no such folder: ./nowhere"),
        (["base_model=./no_tokenizer"], "base_model: cannot load ./no_tokenizer"),
        (["base_model=./damaged"], "base_model: cannot load ./damaged"),
        (["chat_template=nowhere.jinja"], "chat_template: cannot read nowhere.jinja"),
        (["chat_template=template.jinja"], "chat_template: template.jinja, line 1"),
        (
            ["data.sources=[{kind: interactions}, {kind: hh, path: nowhere.jsonl}]"],
            "data.sources.1.path: cannot read nowhere.jsonl",
        ),
        (["groups=nowhere.jsonl"], "groups: cannot read nowhere.jsonl"),
        (["interactions=nowhere.jsonl"], "interactions: cannot read nowhere.jsonl"),
    ],
)
def test_a_wrong_setting_is_found_before_the_simulation(
    here: Path,
    job: list[str],
    settings: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if "benchmarks" in settings[0] or "during" in settings[0]:
        pytest.importorskip("lm_eval")
    assert message in refused(capsys, here, *job, *settings)


def test_a_base_model_without_weights_is_found_before_the_simulation(
    here: Path,
    job: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    (here / "tiny/model.safetensors").unlink()
    assert "base_model: no weights" in refused(capsys, here, *job)


@pytest.mark.parametrize(
    ("package", "setting", "extra"),
    [
        ("lm_eval", "evaluate.benchmarks=[hhh]", "eval"),
        ("lm_eval", "evaluate.during=[hhh]", "eval"),
        ("trl", "method=dpo", "align"),
        ("peft", "method.lora={rank: 4}", "align"),
    ],
)
def test_a_missing_package_is_found_before_the_simulation(
    here: Path,
    job: list[str],
    package: str,
    setting: str,
    extra: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    message = refused(capsys, here, *job, setting)
    assert message.endswith(f"pip install 'social-sandbox[{extra}]'")


def test_a_complete_stage_needs_nothing_any_more(
    here: Path,
    job: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    adapters = "method.lora={rank: 4}"
    assert run("run", *job, adapters) == 0
    monkeypatch.setitem(sys.modules, "peft", None)
    assert run("run", *job, adapters) == 0


POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 12\n"


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        ("generation_config.json", "{", "generation_config.json is no JSON"),
        (
            "generation_config.json",
            '{"num_return_sequences": 3}',
            "generation_config.json is invalid",
        ),
        ("model.safetensors", POINTER, "model.safetensors is a Git LFS pointer"),
        ("model.safetensors", "", "model.safetensors is cut off or damaged"),
    ],
)
def test_a_base_model_that_cannot_be_trained_and_saved_is_found_before_the_simulation(
    here: Path,
    job: list[str],
    file: str,
    content: str,
    words: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (here / "tiny" / file).write_text(content)
    assert words in refused(capsys, here, *job)


def test_an_adapter_whose_base_model_is_gone_is_found_before_the_simulation(
    here: Path, job: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    adapter = save_adapter(here / "adapter", here / "tiny")
    (here / "tiny").rename(here / "moved")
    for setting in ("base_model", "evaluate.model"):
        message = refused(capsys, here, *job, "base_model=./moved", f"{setting}={adapter}")
        assert message.startswith(f"{setting}: base model of the adapter")


@pytest.mark.parametrize("name", ["data.sources=[{kind: hh, path: FILE}]", "groups=FILE"])
def test_a_pointer_in_place_of_data_is_found_before_the_simulation(
    here: Path, job: list[str], name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "pointer.jsonl").write_text(POINTER)
    message = refused(capsys, here, *job, name.replace("FILE", "pointer.jsonl"))
    assert "pointer.jsonl is a Git LFS pointer" in message


def test_a_share_that_holds_nothing_out_is_corrected_in_the_same_folder(
    here: Path,
    job: list[str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The groups tell how small a share may be, so that training is the first to know."""
    from social_sandbox.policies.huggingface import shared_model

    assert run("simulate", *job) == run("data", *job) == 0
    capsys.readouterr()
    with monkeypatch.context() as without_model:
        without_model.setattr(shared_model, "load_model", None)
        assert run("align", *job, "method.held_out=0.001") == 2
    assert capsys.readouterr().err.startswith("method.held_out=0.001 leaves nothing on one side")
    assert run("align", *job, "method.held_out=0.5") == 0
