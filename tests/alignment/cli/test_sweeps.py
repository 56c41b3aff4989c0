"""Sweeps without a wandb server: wandb's own schema, its own agent, and real processes."""

import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import wandb
import yaml
from omegaconf import OmegaConf
from wandb.sdk.launch.sweeps.utils import create_sweep_command, create_sweep_command_args
from wandb.wandb_agent import Agent

from social_sandbox.alignment import cli
from social_sandbox.alignment.cli.overrides import hydra_overrides
from social_sandbox.alignment.cli.sweeps import (
    POINT,
    as_hydra_overrides,
    begin_point,
    summarise,
    sweep_files,
    swept,
)
from social_sandbox.alignment.experiments.registry import EXPERIMENTS
from social_sandbox.alignment.reporting.tracking.run import flat
from social_sandbox.alignment.runtime.secrets import without_secrets
from social_sandbox.alignment.stages.identity import settings_hash
from social_sandbox.alignment.stages.settings import read_settings
from tests.helpers.small_job import SOCIETY, composed, settings_of, small_job
from tests.helpers.wandb_file import offline_runs

SWEEPS = sweep_files()
SCHEMA = Path(__file__).with_name("wandb_sweep_schema.json")
"""sweeps/config/schema.json of the package `sweeps` 0.3.0 (MIT, Weights & Biases), which wandb's
server and `wandb[sweeps]` check with; it asks for numpy<2 and cannot be installed beside ours."""

METHODS = {path.stem for path in SWEEPS["method"].parents[1].glob("method/*.yaml")}


def sweep(name: str) -> dict[str, Any]:
    return dict(yaml.safe_load(SWEEPS[name].read_text()))


def points(config: Mapping[str, Any]) -> Iterator[dict[str, dict[str, Any]]]:
    """The grid as wandb hands it to an agent; of a range both ends."""
    names = list(config["parameters"])
    ranges = [p.get("values") or [p["min"], p["max"]] for p in config["parameters"].values()]
    for values in itertools.product(*ranges):
        yield {name: {"value": value} for name, value in zip(names, values, strict=True)}


def arguments(config: Mapping[str, Any], point: Mapping[str, Any]) -> list[str]:
    """What the agent puts behind `/usr/bin/env social-sandbox`."""
    macros = create_sweep_command_args({"args": dict(point)})
    command = create_sweep_command(list(config["command"]))
    assert command[:2] == ["${env}", "${program}"]
    filled = [macros[c[2:-1]] if c.startswith("${") else [c] for c in command[2:]]
    return list(itertools.chain.from_iterable(filled))


def test_the_sweeps_of_the_package_are_listed_and_found(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert set(SWEEPS) >= {"learning_rate", "margin", "method", *EXPERIMENTS}
    assert cli.main(["sweeps"]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in SWEEPS)
    assert cli.main(["sweeps", "margin"]) == 0
    assert capsys.readouterr().out == f"{SWEEPS['margin']}\n"
    assert cli.main(["sweeps", "margn"]) == 2
    assert "no sweep 'margn'; there are adversarial, data" in capsys.readouterr().err


@pytest.mark.parametrize("name", SWEEPS)
def test_wandb_accepts_the_file(name: str) -> None:
    config = sweep(name)
    jsonschema.Draft7Validator(json.loads(SCHEMA.read_text())).validate(config)
    # Flat names: a nested dictionary would arrive as text that Hydra cannot read.
    assert all("parameters" not in parameter for parameter in config["parameters"].values())


def test_wandbs_schema_does_refuse_a_wrong_file() -> None:
    config = {**sweep("margin"), "method": "gird"}
    with pytest.raises(jsonschema.ValidationError, match="gird"):
        jsonschema.Draft7Validator(json.loads(SCHEMA.read_text())).validate(config)


@pytest.mark.parametrize("name", SWEEPS)
def test_every_point_is_a_command_line_of_its_own(name: str) -> None:
    config = sweep(name)
    hashes = []
    whole = list(points(config))
    # Of a large grid, points from all over it.
    for point in whole[:: max(1, len(whole) // 8)]:
        assert point.get("method", {}).get("value", "stable_alignment") in METHODS
        command, *overrides = arguments(config, point)
        assert command in cli.COMMANDS
        settings = read_settings(composed(overrides))
        for dotted, entry in point.items():
            value: Any = settings
            for part in dotted.replace("method.", "method.config.").split("."):
                value = value[part] if isinstance(value, dict) else getattr(value, part)
            if dotted != "method":
                assert value == entry["value"]
        hashes.append(settings_hash(settings))
    assert len(set(hashes)) == len(hashes) > 1


def test_only_a_sweep_over_one_method_has_settings_that_others_lack() -> None:
    shared = {"method", "method.learning_rate", "method.epochs", "method.max_tokens"}
    for name in SWEEPS:
        config = sweep(name)
        own = {p for p in config["parameters"] if p.startswith("method")} - shared
        command = config["command"]
        one_method = "method=stable_alignment", "experiment=loss", "experiment=reinforcement"
        assert not own or set(one_method) & set(command)


def test_what_wandb_writes_for_null_is_null(monkeypatch: pytest.MonkeyPatch) -> None:
    macros = create_sweep_command_args(
        {
            "args": {
                "env.radius": {"value": None},
                "method.learning_rate": {"value": 1e-05},
                "env.memory": {"value": False},
                "base_model": {"value": "None/such"},
            }
        }
    )
    overrides = as_hydra_overrides(macros["args_no_hyphens"])
    settings = settings_of(overrides)
    assert settings.env.radius is None
    assert settings.method.config.learning_rate == 1e-5
    assert settings.env.memory is False
    assert settings.base_model == "None/such"


def test_a_point_that_is_issued_with_its_whole_config_is_the_same_point(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fixed = ["policy=openai", "policy.model=x", "policy.api_key_env=KEY"]
    overrides = [
        *fixed,
        "policy.base_url='http://me:password@host/v1?a=b, c'",
        "method=dpo",
        "+method.extra={optim: adamw_torch}",
        r"base_model='it\'s {a}, \\ \"model\"'",
        "wandb.tags=[a b,c]",
        "data.sources=[{kind: hh, path: 'a, \\'b\\'.jsonl', gap: 3}, {kind: interactions}]",
        "population=[{select: 'social_*', share: 0.7, policy: scripted}]",
    ]
    config = composed(overrides)
    recorded = flat(without_secrets(OmegaConf.to_container(config, resolve=True)))
    # Through wandb's server it comes back as JSON; what is swept has its own name in it, too.
    issued = json.loads(json.dumps({**recorded, "method": "dpo"}))
    macros = create_sweep_command_args({"args": {n: {"value": v} for n, v in issued.items()}})
    monkeypatch.setenv("WANDB_SWEEP_ID", "sweep1")
    command = [*overrides[:4], *macros["args_no_hyphens"]]
    settings = read_settings(composed(hydra_overrides("run", command)))
    assert settings == read_settings(config)


def test_what_a_point_was_begun_with_stays_when_wandb_issues_it_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_SWEEP_ID", "sweep1")
    begin_point(tmp_path, ["method.margin=1"])
    begin_point(tmp_path, ["seed=0", "method.margin=1.0", "method.ratio=0.2"])
    assert json.loads((tmp_path / POINT).read_text()) == {"settings": {"method.margin": "1"}}


@pytest.fixture
def sweeping(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What `wandb agent` has around it, and no settings of the person who runs the tests."""
    for name in [name for name in os.environ if name.startswith("WANDB_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SWEEP_ID", "sweep1")
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    # The agent sets them for the process.
    monkeypatch.setenv("WANDB_RUN_ID", "")
    monkeypatch.setenv("WANDB_SWEEP_PARAM_PATH", "")
    return tmp_path


def issue(agent: Agent, config: Mapping[str, Any], point: Mapping[str, Any], run_id: str) -> Any:
    """Let wandb's own agent start a point as if its server had asked for it."""
    command = {"type": "run", "run_id": run_id, "program": config["program"], "args": dict(point)}
    answer = agent._process_command(command)
    assert "exception" not in answer, answer
    return agent._run_processes[run_id]


def test_wandbs_agent_runs_points_and_a_preempted_one_goes_on_where_it_was(
    sweeping: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = sweep("margin")
    job = small_job(tmp_path_factory.mktemp("job"))
    simulation = [o for o in job if not o.startswith(("method.", "evaluate."))]
    with monkeypatch.context() as before:
        before.delenv("WANDB_SWEEP_ID")
        assert cli.main(["simulate", *simulation, "wandb=disabled"]) == 0
    steps = 60
    config["command"][-1:-1] = [*job, f"method.max_steps={steps}", "method.save_steps=5"]
    agent = Agent(api=None, queue=None, sweep_id="sweep1")
    agent._sweep_command = config["command"]
    folder = sweeping / "runs/sweeps/margin"
    first, second, *_ = points(config)

    process = issue(agent, config, first, "one")
    deadline = time.monotonic() + 120
    # The second is begun when the first one is whole.
    while not [*folder.glob("*/alignment/checkpoints/checkpoint-10")]:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    agent._process_command({"type": "stop", "run_id": "one"})
    assert process.wait() == 143
    # wandb hands out the same run with the whole of its config again.
    assert issue(agent, config, first, "one").wait() == 0
    assert issue(agent, config, second, "two").wait() == 0

    places = {}
    for path in folder.glob(f"*/{POINT}"):
        settings = json.loads(path.read_text())["settings"]
        places[settings["method.learning_rate"]] = path.parent
    stopped, resumed = offline_runs(places["2e-05"])
    (other,) = offline_runs(places["0.0001"])
    assert [run.id for run in (stopped, resumed, other)] == ["one", "one", "two"]
    assert (stopped.preempting, stopped.exit_code) == (True, 255)
    trained = [
        [row["train/global_step"] for row in run.rows if "train/loss" in row]
        for run in (stopped, resumed, other)
    ]
    assert trained[0][0] == 1
    assert trained[1][0] > 5
    assert trained[1][-1] == steps
    assert trained[2] == list(range(1, steps + 1))
    goal = config["metric"]["name"]
    for run in (resumed, other):
        assert run.exit_code == 0
        assert len([row[goal] for row in run.rows if goal in row]) == 1
    header, _, *rows = (folder / "summary.md").read_text().splitlines()
    assert header.startswith("| method.learning_rate | point | loss |")
    assert [row.split(" | ")[0] for row in rows] == ["| 2e-05", "| 0.0001"]


def test_multirun_gives_each_point_a_folder_and_a_table_at_the_end(
    sweeping: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WANDB_SWEEP_ID")
    job = small_job(sweeping)
    command = ["social-sandbox", "run", "--multirun", *job, "output_dir=runs/margins"]
    margins = ["method.margin=1,10", "wandb=disabled"]
    done = subprocess.run([*command, *margins], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    folder = sweeping / "runs/margins"
    found = {
        json.loads(path.read_text())["settings"]["method.margin"]: path.parent
        for path in folder.glob("*/point.json")
    }
    assert set(found) == {"1", "10"}
    losses = []
    for margin, place in found.items():
        made_with = json.loads((place / "alignment/stage.json").read_text())["settings"]
        assert made_with["method"]["margin"] == float(margin)
        losses.append(json.loads((place / "metrics.json").read_text())["alignment"]["loss_start"])
    assert losses[0] != losses[1]
    header, _, *rows = (folder / "summary.md").read_text().splitlines()
    assert header.startswith("| method.margin | point | mean reward | loss | tokens |")
    assert "| alignment |" in header
    # A share of pairs, no change of one.
    moved = header.split(" | ").index("moved to good |")
    assert all(row.split(" | ")[moved][0] in "01" for row in rows)
    assert [row.split(" | ")[0] for row in rows] == ["| 1", "| 10"]
    assert {path.name for path in folder.iterdir()} == {
        "summary.md",
        "measured",
        *(place.name for place in found.values()),
    }


def test_a_point_that_fails_is_named_and_the_others_go_on(
    sweeping: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("WANDB_SWEEP_ID")
    monkeypatch.setattr("sys.argv", ["social-sandbox"])
    job = small_job(sweeping)
    simulation = [o for o in job if not o.startswith(("method.", "evaluate."))]
    multirun = ["--multirun", *simulation, "wandb=disabled", "output_dir=runs/peers"]
    capsys.readouterr()
    assert cli.main(["simulate", *multirun, "env.n_peers=-1,1,2"]) == 2
    failed = capsys.readouterr().err
    assert "env.n_peers=-1: env.n_peers: must be at least" in failed
    assert failed.count("\n") == 1
    assert len((sweeping / "runs/peers/summary.md").read_text().splitlines()) == 2 + 2


def test_the_points_of_a_multirun_are_one_group_of_wandb(
    sweeping: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WANDB_SWEEP_ID")
    monkeypatch.delenv("WANDB_RUN_ID")
    monkeypatch.delenv("WANDB_SWEEP_PARAM_PATH")
    monkeypatch.setattr("sys.argv", ["social-sandbox"])
    simulation = [*SOCIETY, "output_dir=runs/peers", "env.n_peers=1,2"]
    assert cli.main(["simulate", "--multirun", *simulation]) == 0
    runs = [run for path in (sweeping / "runs/peers").iterdir() for run in offline_runs(path)]
    assert [run.group for run in runs] == ["peers", "peers"]
    assert len({run.id for run in runs}) == 2


def test_the_table_names_only_settings_that_differ(tmp_path: Path) -> None:
    for number, settings in enumerate(({"seed": "10", "a": "1"}, {"seed": "9", "a": "1"}, {})):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "point.json").write_text(json.dumps({"settings": settings}))
    header, _, *rows = summarise(tmp_path).read_text().splitlines()
    assert header == "| seed | a | point |"
    assert rows == ["| 9 | 1 | 1 |", "| 10 | 1 | 0 |", "|  |  | 2 |"]


def test_where_a_run_goes_is_no_setting_of_a_point() -> None:
    overrides = ["output_dir=x", "wandb=offline", "wandb.tags=[a]", "+method.margin=1", "seed=2"]
    assert swept([*overrides, "--multirun"]) == {"method.margin": "1", "seed": "2"}


def test_wandb_is_the_version_whose_agent_this_is_tested_with() -> None:
    assert wandb.__version__.startswith("0.31.")
