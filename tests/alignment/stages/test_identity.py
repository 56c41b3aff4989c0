from dataclasses import asdict, replace
from pathlib import Path

import pytest

from social_sandbox.alignment.methods.stable_alignment import StableAlignment
from social_sandbox.alignment.runtime.secrets import without_secret, without_secrets
from social_sandbox.alignment.stages.identity import settings_hash
from tests.helpers.small_job import settings_of


def hash_of(*overrides: str) -> str:
    return settings_hash(settings_of(overrides))


def test_the_same_settings_are_the_same_run() -> None:
    assert hash_of("seed=3", "method.margin=2") == hash_of("method.margin=2.0", "seed=3")


@pytest.mark.parametrize("changed", ["seed=1", "method.margin=2", "env.n_peers=3", "n_worlds=3"])
def test_what_the_outcome_depends_on_makes_another_run(changed: str) -> None:
    assert hash_of(changed) != hash_of()


@pytest.mark.parametrize(
    "changed",
    ["output_dir=elsewhere", "overwrite=true", "progress=false", "budget.usd=1", "wandb.name=x"],
)
def test_where_and_how_it_runs_does_not(changed: str) -> None:
    assert hash_of(changed) == hash_of()


def test_how_an_api_is_asked_does_not() -> None:
    openai = ["policy=openai", "policy.model=m"]
    assert hash_of(*openai, "policy.max_concurrency=3") == hash_of(*openai)
    assert hash_of(*openai, "policy.base_url=http://other:1/v1") == hash_of(*openai)
    assert hash_of(*openai, "policy.temperature=0") != hash_of(*openai)


class Renamed(StableAlignment):
    """A method of somebody else with the settings of one of ours."""


def test_another_method_with_the_same_settings_is_another_run() -> None:
    ours = settings_of([])
    theirs = replace(ours, method=Renamed(ours.method.config))
    assert asdict(theirs) == asdict(ours)
    assert settings_hash(theirs) != settings_hash(ours)


def test_an_input_file_counts_by_what_is_in_it(tmp_path: Path) -> None:
    first, copy, other = (tmp_path / name for name in ("first", "copy", "other"))
    first.write_text("same")
    copy.write_text("same")
    other.write_text("not the same")
    hashes = [hash_of(f"groups={path}") for path in (first, copy, other)]
    assert hashes[0] == hashes[1] != hashes[2]


def test_a_source_of_data_counts_by_what_is_in_its_files(tmp_path: Path) -> None:
    for name, text in (("a/1", "same"), ("a/2", "more"), ("b/1", "same"), ("b/2", "more")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)

    def of(kind: str, path: str) -> str:
        return hash_of(f"data.sources=[{{kind: {kind}, path: '{path}'}}]")

    assert of("hh", f"{tmp_path}/a/*") == of("hh", f"{tmp_path}/b/*")
    assert of("hh", f"{tmp_path}/a/*") != of("groups", f"{tmp_path}/a/*")
    before = of("hh", f"{tmp_path}/a/1")
    (tmp_path / "a/1").write_text("other")
    assert of("hh", f"{tmp_path}/a/1") != before
    # What is wrong with a source is said by the stage that reads it.
    assert of("hh", "some/id") != of("hh", "none.jsonl")


@pytest.mark.parametrize(
    ("argument", "shown"),
    [
        ("policy.api_key=sk-1", "policy.api_key=***"),
        ("++policy.password=1", "++policy.password=***"),
        ("policy.base_url=https://me:pw@host/v1", "policy.base_url=https://***@host/v1"),
        ("policy.api_key_env=MY_KEY", "policy.api_key_env=MY_KEY"),
        ("policy.max_new_tokens=64", "policy.max_new_tokens=64"),
        ("budget.tokens=5", "budget.tokens=5"),
        ("--multirun", "--multirun"),
    ],
)
def test_keys_are_hidden_and_nothing_else(argument: str, shown: str) -> None:
    assert without_secret(argument) == shown


def test_keys_are_hidden_in_a_list_of_players() -> None:
    players = [{"policy": "openai", "api_key": "sk-1", "headers": {"token": "t", "x": 1}}]
    hidden = [{"policy": "openai", "api_key": "***", "headers": {"token": "***", "x": 1}}]
    assert without_secrets(players) == hidden
