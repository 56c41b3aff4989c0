"""An adapter for each role, through the command line."""

import json
from pathlib import Path

import pytest

from tests.helpers.command_line import here, lines, run
from tests.helpers.tiny import save_tiny_model

__all__ = ["here"]

pytest.importorskip("trl")

ROLES = "roles={social: speaker, critic: judge}"
QUICK = (
    *("method.max_steps=4", "method.device=cpu", "method.max_length=512"),
    *("method.lora={rank: 2}", "env.memory=false"),
)


@pytest.fixture
def roomy(here: Path) -> str:
    return f"base_model={save_tiny_model(here / 'roomy', 1024)}"


def test_recordings_train_adapters_that_a_population_plays(
    here: Path, roomy: str, capsys: pytest.CaptureFixture[str]
) -> None:
    job = (roomy, "method=sft", ROLES, *QUICK)
    assert run("simulate", *job) == run("data", *job) == run("align", *job) == 0
    folder = here / "runs/default/alignment"
    assert "alignment/adapters/judge" in capsys.readouterr().out
    assert {each.name for each in (folder / "adapters").iterdir()} == {"speaker", "judge"}
    assert not (folder / "checkpoints").exists()
    rows = json.loads((folder / "log.json").read_text())
    assert {"speaker/loss", "judge/loss"} <= {name for row in rows for name in row}
    # A complete stage is not repeated.
    assert run("align", *job) == 0
    assert "complete, kept" in capsys.readouterr().out
    players = [
        f"{{policy: huggingface, model: {here / 'roomy'}, max_new_tokens: 3, reason_tokens: 3,"
        f" device: cpu, adapter: {folder / 'adapters' / name}, phases: {phases}}}"
        for name, phases in (("speaker", "[draft, revise]"), ("judge", "[feedback]"))
    ]
    again = ("env.memory=false", "output_dir=again", f"population=[{', '.join(players)}]")
    assert run("simulate", *again) == 0
    played = lines(here / "again/simulation/interactions.jsonl")
    assert {one["draft"]["policy"] for one in played} == {"speaker"}  # type: ignore[index]
    critics = {f["policy"] for one in played for f in one["feedback"]}  # type: ignore[attr-defined]
    assert critics == {"judge"}


def test_a_role_may_be_a_part_of_the_grid(here: Path, roomy: str) -> None:
    halves = (
        "method.roles={north: {adapter: north, rows: [0, 0]}, south: {adapter: south, share: 0.5,"
        " rows: [1, 1]}}"
    )
    job = (roomy, "method=sft", halves, *QUICK)
    assert run("simulate", *job) == run("data", *job) == run("align", *job) == 0
    adapters = here / "runs/default/alignment/adapters"
    assert {each.name for each in adapters.iterdir()} == {"north", "south"}


def test_a_society_trains_an_adapter_for_each_role(here: Path, roomy: str) -> None:
    job = (
        *(roomy, "method=society_grpo", ROLES, *QUICK, "env.grid_size=2", "method.others=learner"),
        *("method.batch_size=2", "method.generations=2", "method.max_new_tokens=4"),
    )
    assert run("align", *job) == 0
    folder = here / "runs/default/alignment"
    assert {each.name for each in (folder / "adapters").iterdir()} == {"speaker", "judge"}
    assert (folder / "model/config.json").exists()
    record = json.loads((folder / "stage.json").read_text())
    assert record["settings"]["method"]["roles"]["critic"]["phases"] == ["feedback"]


@pytest.mark.parametrize("method", ["society_grpo", "sft"])
@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ((ROLES, "method.lora=null"), "method.roles: an adapter for each role needs method.lora"),
        (("roles={referee: a}",), "method.roles.referee: no role of this name; social and critic"),
        (("roles={a: {adapter: a, select: social_9}}",), "select 'social_9' chooses nobody"),
        (
            ("roles={social: a, b: {adapter: b, rows: [0, 0]}}",),
            "method.roles: social_0 of world_0 is claimed twice",
        ),
    ],
)
def test_a_wrong_role_is_one_line(
    here: Path,
    roomy: str,
    capsys: pytest.CaptureFixture[str],
    method: str,
    overrides: tuple[str, ...],
    message: str,
) -> None:
    (here / "groups.jsonl").write_text("")
    data = ["groups=groups.jsonl"] if method == "sft" else []
    job = (roomy, f"method={method}", *data, *QUICK, *overrides)
    assert run("align", *job) == 2
    error = capsys.readouterr().err
    assert message in error
    assert len(error.strip().splitlines()) == 1


def test_a_role_without_recordings_is_one_line(
    here: Path, roomy: str, capsys: pytest.CaptureFixture[str]
) -> None:
    job = (roomy, "method=sft", ROLES, *QUICK, "env.n_peers=0")
    assert run("simulate", *job) == 0
    assert run("data", *job, "data.mix={imitation: 1}") == 0
    assert run("align", *job, "groups=runs/default/data/groups.jsonl") == 2
    assert "method.roles.critic: none of the" in capsys.readouterr().err


def test_worlds_that_are_not_there_are_named(
    here: Path, roomy: str, capsys: pytest.CaptureFixture[str]
) -> None:
    job = (roomy, "method=sft", *QUICK)
    assert run("simulate", *job, "n_worlds=3") == run("data", *job, "n_worlds=3") == 0
    other = ("groups=runs/default/data/groups.jsonl", "output_dir=other", "n_worlds=1")
    assert run("align", *job, *other, "roles={a: {adapter: a, rows: [0, 0]}}") == 2
    error = capsys.readouterr().err
    assert "method.roles: share, rows and columns" in error
    assert "comes from the world" in error


def test_online_refuses_roles(here: Path, roomy: str, capsys: pytest.CaptureFixture[str]) -> None:
    job = (roomy, "method=sft", ROLES, "policy=huggingface", *QUICK)
    assert run("online", *job) == 2
    assert "method.roles: online plays and aligns one model" in capsys.readouterr().err
