from pathlib import Path

import pytest

from social_sandbox.alignment.stages import compose_settings
from social_sandbox.alignment.stages.override_values import hydra_value
from social_sandbox.alignment.stages.settings import text_settings
from social_sandbox.envs import UserError

FAST = ("policy=scripted", "observer=scripted", "embedder=hashing")


@pytest.mark.parametrize(
    "folder",
    [
        *(
            "lr=0.1",
            "it's",
            'a "b" c',
            "a,b",
            "f(x)",
            "[x]",
            "{x}",
            "ü ñ/😀",
            "x#y;z&",
            "$HOME",
            "a\\b",
        ),
        *("20240131", "1e5", "007", "true", "choice(1,2)"),
    ],
)
def test_a_path_is_taken_as_it_is_written(folder: str) -> None:
    settings = compose_settings(*FAST, f"output_dir={folder}", f"wandb.name={folder}")
    assert settings.output_dir == Path(folder)
    assert settings.wandb.name == folder


def test_a_path_may_begin_at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert compose_settings(*FAST, "output_dir=~/my runs").output_dir == Path("/home/me/my runs")


def test_lists_may_hold_what_hydra_cannot_read() -> None:
    source = "data.sources=[{kind: hh, path: /x/lr=0.1/ü.jsonl}]"
    settings = compose_settings(*FAST, source, "wandb.tags=[1, a=b]")
    assert settings.data.sources is not None
    assert settings.data.sources[0].path == "/x/lr=0.1/ü.jsonl"
    assert settings.wandb.tags == ("1", "a=b")


def test_none_is_null_and_nothing_is_no_text() -> None:
    settings = compose_settings(*FAST, "env.radius=None", "wandb.name=None")
    assert settings.env.radius is None
    assert settings.wandb.name is None
    with pytest.raises(UserError, match="output_dir: is empty"):
        compose_settings(*FAST, "output_dir=")


@pytest.mark.parametrize(
    ("argument", "read"),
    [
        ("questions=/a=1,/b=2", "questions='/a=1','/b=2'"),
        ("output_dir='a','b'", "output_dir='a','b'"),
        ("method.margin=1,10", "method.margin=1,10"),
        ("--multirun", "--multirun"),
    ],
)
def test_a_sweep_has_several_values(argument: str, read: str) -> None:
    assert hydra_value(argument, text_settings(), is_sweep=True) == read


@pytest.mark.parametrize("argument", ["=3", "data.mix={imitation:1"])
def test_what_cannot_be_read_is_named(argument: str) -> None:
    with pytest.raises(UserError, match=argument.partition("=")[0] or "=3"):
        hydra_value(argument, text_settings())
