"""What wandb is told, read back from the file that an offline run leaves for `wandb sync`."""

import json
import os
import signal
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import wandb
from transformers import TrainerState

from social_sandbox.alignment import cli
from social_sandbox.alignment.evaluation.society import simulation_summary
from social_sandbox.alignment.reporting.tracking.config import EarlierCycles
from social_sandbox.alignment.reporting.tracking.metrics import WandbMetrics
from social_sandbox.alignment.reporting.tracking.rows import live_costs, log_simulation
from social_sandbox.alignment.reporting.tracking.run import tracked
from social_sandbox.alignment.runtime.signals import Terminated, sigterm_stops
from social_sandbox.alignment.runtime.stage import read_record
from social_sandbox.alignment.stages.identity import settings_hash
from social_sandbox.envs import Turn, UserError, Utterance, World, WorldConfig
from social_sandbox.envs.rules.turns import Tokens
from social_sandbox.policies import ScriptedPolicy, rollout
from social_sandbox.policies.adapt import as_policy
from social_sandbox.policies.society.account import BudgetReached
from tests.helpers.small_job import SOCIETY, settings_of, small_job
from tests.helpers.wandb_file import OfflineRun, offline_runs


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own, and no sweep or key of the person who runs the tests."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["social-sandbox"])
    for name in [name for name in os.environ if name.startswith("WANDB_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("WANDB_MODE", "offline")
    # `tracked` sets them for the process.
    monkeypatch.setenv("WANDB_DATA_DIR", "")
    monkeypatch.setenv("WANDB_DISABLE_WEAVE", "true")
    return tmp_path


def costly(turn: Turn) -> Utterance:
    return replace(
        ScriptedPolicy().act([turn])[0], policy="", tokens=Tokens(3, 2, requests=1, usd=0.5)
    )


def society() -> World:
    return World(WorldConfig(grid_size=2, n_rounds=1), seed=0)


def tracked_of(command: str) -> AbstractContextManager[Any]:
    """The run around a command with the settings of a small job."""
    settings = settings_of([])
    identity = settings_hash(settings)
    return tracked(settings.output_dir, settings.wandb, {}, command, identity)


def only(runs: Sequence[OfflineRun]) -> OfflineRun:
    (run,) = runs
    return run


def metrics(run: OfflineRun, prefix: str) -> list[dict[str, object]]:
    """The rows of one kind, without wandb's own entries."""
    rows = [{n: v for n, v in row.items() if not n.startswith("_")} for row in run.rows]
    return [row for row in rows if any(name.startswith(prefix) for name in row)]


def test_costs_are_told_while_a_society_is_played(here: Path) -> None:
    with tracked_of("simulate") as run:
        interactions = rollout(
            [society()], as_policy(costly), on_interaction=live_costs(run, seconds=0)
        )
    rows = metrics(only(offline_runs(here / "runs/default")), "spent/")
    assert [row["spent/interactions"] for row in rows] == [1, 2, 3, 4]
    assert len(interactions) == 4
    assert rows[-1]["spent/costly/usd"] == 0.5 * rows[-1]["spent/costly/requests"]  # type: ignore[operator]


def test_costs_are_not_told_more_often_than_wanted(here: Path) -> None:
    with tracked_of("simulate") as run:
        interactions = rollout(
            [society()], as_policy(costly), on_interaction=live_costs(run, seconds=1e6)
        )
        log_simulation(run, interactions, simulation_summary(interactions))
    first, last = metrics(only(offline_runs(here / "runs/default")), "spent/")
    everything = sum(2 + len(d.feedback) + len(d.observations) for d in interactions)
    assert (first["spent/interactions"], last["spent/interactions"]) == (1, 4)
    assert last["spent/costly/requests"] == everything


def test_every_stage_of_the_job_is_told_under_its_own_step_axis(here: Path) -> None:
    job = [*small_job(here), "output_dir=out", "wandb.project=mine"]
    assert cli.main(["run", *job]) == 0
    run = only(offline_runs(here / "out"))
    assert (run.project, run.group, run.job_type, run.exit_code) == ("mine", "out", "run", 0)
    assert run.config["method.max_steps"] == 2
    assert run.config["env.grid_size"] == 2
    assert run.axes == {
        "env/*": "env/round",
        "spent/*": "spent/interactions",
        "data/*": "data/cycle",
        "train/*": "train/global_step",
        "reward_model/*": "reward_model/global_step",
        "eval/*": "eval/cycle",
    }
    for row in run.rows:
        kinds = {name.partition("/")[0] for name in row if not name.startswith("_")}
        assert len(kinds) == 1
        assert run.axes[f"{kinds.pop()}/*"] in row

    rounds = metrics(run, "env/")
    assert [row["env/round"] for row in rounds] == [0, 1]
    drafts = rounds[0]["env/ratings/alignment_draft"]
    assert sum(drafts["values"]) == 4  # type: ignore[index]
    assert (drafts["bins"][0], drafts["bins"][-1]) == (1, 7)  # type: ignore[index]
    assert metrics(run, "train/loss")[-1]["train/global_step"] == 2

    (data,) = metrics(run, "data/")
    groups = [json.loads(line) for line in (here / "out/data/groups.jsonl").open()]
    rated = [c for g in groups if g["kind"] == "imitation" for c in g["candidates"]]
    assert sum(data["data/ratings/imitation"]["values"]) == len(rated)  # type: ignore[index]

    (evaluation,) = metrics(run, "eval/")
    results = json.loads((here / "out/evaluation/results.json").read_text())["table"]
    assert evaluation["eval/combined/difference"] == results["combined"]["difference"]["mean"]
    words = json.loads((here / "out/evaluation/results.json").read_text())["words_per_answer"]
    assert evaluation["eval/words_per_answer/aligned"] == words["aligned"]
    assert sum(evaluation["eval/ratings/alignment_aligned"]["values"]) == 3  # type: ignore[index]
    table = next((here / "out/wandb").glob("offline-run-*/files/media/table/eval/*.json"))
    shown = json.loads(table.read_text())
    assert shown["columns"][:5] == ["question", "kind", "sample", "base answer", "aligned answer"]
    answers = [json.loads(line) for line in (here / "out/evaluation/answers.jsonl").open()]
    cells = [[a["question"], a["base"]["answer"], a["aligned"]["answer"]] for a in answers]
    assert [[row[0], row[3], row[4]] for row in shown["data"]] == cells


def test_separate_commands_are_linked_from_the_interactions_to_the_results(here: Path) -> None:
    job = [*small_job(here), "output_dir=out"]
    for command in ("simulate", "data", "align", "evaluate"):
        assert cli.main([command, *job]) == 0
    runs = {run.job_type: run for run in offline_runs(here / "out")}
    assert len({run.id for run in runs.values()}) == 4
    outputs = {c: [a for a in r.artifacts if not a.use_after_commit] for c, r in runs.items()}
    read = {c: [a for a in r.artifacts if a.use_after_commit] for c, r in runs.items()}
    chain = [("simulate", "interactions"), ("data", "groups"), ("align", "model")]
    for (command, name), after in zip(chain, ("data", "align", "evaluate"), strict=True):
        (produced,) = [a for a in outputs[command] if a.name == name]
        (consumed,) = [a for a in read[after] if a.name == name]
        # wandb's server tells an artifact by its digest.
        assert (consumed.name, consumed.digest) == (name, produced.digest)
        metadata = json.loads(produced.metadata)
        stage = Path(metadata["path"]).parent
        recorded = read_record(stage)
        assert recorded is not None
        assert recorded["made"]["sha256"] == metadata["sha256"]
        assert recorded["logged_to"] == [runs[command].id]
        assert f"sha256-{metadata['sha256'][:12]}" in produced.aliases
    assert [a.name for a in outputs["evaluate"] if a.type == "evaluation"] == ["evaluation"]
    (model,) = [a for a in outputs["align"] if a.type == "model"]
    assert all(entry.ref.startswith("file://") for entry in model.manifest.contents)
    (groups,) = [a for a in outputs["data"] if a.type == "dataset"]
    # What is to be uploaded lies in the output folder, not in the user's home.
    assert all(Path(e.local_path).is_relative_to(here / "out") for e in groups.manifest.contents)


@pytest.mark.parametrize(("how", "uploaded"), [("upload", True), ("none", False)])
def test_the_weights_are_uploaded_or_not_logged_as_wanted(
    how: str, uploaded: bool, here: Path
) -> None:
    job = [*small_job(here), "output_dir=out", f"wandb.log_model={how}"]
    assert cli.main(["simulate", *job, "wandb=disabled"]) == 0
    assert cli.main(["align", *job]) == 0
    models = [a for a in only(offline_runs(here / "out")).artifacts if a.type == "model"]
    # The base model is read, and where it lies is known.
    read, outputs = ([a for a in models if a.use_after_commit == used] for used in (True, False))
    assert bool(outputs) == bool(read) == uploaded
    assert all(entry.ref for model in read for entry in model.manifest.contents)
    for model in outputs:
        files = {entry.path: entry.local_path for entry in model.manifest.contents}
        assert files["model.safetensors"] == str(here / "out/alignment/model/model.safetensors")


def test_the_same_command_goes_on_in_the_same_run(here: Path) -> None:
    assert cli.main(["simulate", *SOCIETY, "env.grid_size=0"]) == 2
    for more in ([], ["progress=true"], ["budget.usd=5"], ["seed=7", "overwrite=true"]):
        assert cli.main(["simulate", *SOCIETY, *more]) == 0
        time.sleep(1)  # wandb names a try's folder by the second; a process of its own takes longer
    first, again, larger_budget, other = offline_runs(here / "runs/default")
    assert first.id == again.id == larger_budget.id != other.id
    assert metrics(first, "env/")
    assert not metrics(again, "env/")
    assert metrics(other, "env/")
    # Tries of one run that are synced one after the other must not write over each other.
    assert max(row["_step"] for row in first.rows) < again.rows[0]["_step"]
    assert again.rows[-1]["_step"] < larger_budget.rows[0]["_step"]


def test_another_run_is_told_what_was_made_before_it(here: Path) -> None:
    assert cli.main(["simulate", *SOCIETY, "wandb=disabled"]) == 0
    assert cli.main(["simulate", *SOCIETY]) == 0
    run = only(offline_runs(here / "runs/default"))
    assert [row["env/round"] for row in metrics(run, "env/")] == [0, 1]
    assert [artifact.name for artifact in run.artifacts] == ["interactions"]


def test_a_reward_model_has_a_step_axis_of_its_own(here: Path) -> None:
    with tracked_of("align") as run:
        metrics_of = WandbMetrics(run, EarlierCycles(steps=10, reward_steps=5))
        for step, row in ((3, {"reward_model/loss": 0.5}), (1, {"reward": 2.0})):
            metrics_of.on_log(None, TrainerState(global_step=step), None, row)
    sent = only(offline_runs(here / "runs/default"))
    assert metrics(sent, "reward") == [{"reward_model/loss": 0.5, "reward_model/global_step": 8}]
    assert metrics(sent, "train/") == [{"train/reward": 2.0, "train/global_step": 11}]


def test_a_checkpoint_knows_its_run_where_the_output_folder_no_longer_does(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(metrics: WandbMetrics, args: Any, state: Any, control: Any, **_: Any) -> None:
        write_checkpoint(metrics, args, state, control)
        raise KeyboardInterrupt

    job = [*small_job(here), "output_dir=out", "method.save_steps=1"]
    simulation = [o for o in job if not o.startswith(("method.", "evaluate."))]
    assert cli.main(["simulate", *simulation, "wandb=disabled"]) == 0
    write_checkpoint = WandbMetrics.on_save
    with monkeypatch.context() as stopping:
        stopping.setattr(WandbMetrics, "on_save", stop)
        assert cli.main(["align", *job]) == 130
    (stopped,) = offline_runs(here / "out")
    recorded = json.loads(
        (here / "out/alignment/checkpoints/checkpoint-1/wandb_run.json").read_text()
    )
    assert (recorded["id"], recorded["project"], recorded["entity"]) == (
        stopped.id,
        "social-sandbox",
        "",
    )
    (here / "out/wandb_runs.json").unlink()
    time.sleep(1)  # wandb names a try's folder by the second
    assert cli.main(["align", *job]) == 0
    _, again = offline_runs(here / "out")
    assert again.id == stopped.id
    assert max(row["_step"] for row in stopped.rows) < again.rows[0]["_step"]
    assert [row["train/global_step"] for row in metrics(again, "train/loss")] == [2]


def test_another_run_is_told_how_a_model_was_trained_before_it(here: Path) -> None:
    job = [*small_job(here), "output_dir=out"]
    simulation = [o for o in job if not o.startswith(("method.", "evaluate."))]
    assert cli.main(["simulate", *simulation, "wandb=disabled"]) == 0
    assert cli.main(["align", *job, "wandb=disabled"]) == 0
    assert cli.main(["align", *job]) == 0
    run = only(offline_runs(here / "out"))
    log = json.loads((here / "out/alignment/log.json").read_text())
    sent = metrics(run, "train/loss")
    assert [row["train/loss"] for row in sent] == [row["loss"] for row in log]
    assert [row["train/global_step"] for row in sent] == [1, 2]


def test_the_model_that_plays_and_the_one_that_is_aligned_are_read(here: Path) -> None:
    job = [*small_job(here), "output_dir=out"]
    played = [
        *(o for o in SOCIETY if o != "policy=scripted"),
        *("policy=huggingface", f"policy.model={here}/tiny", "policy.max_new_tokens=4"),
        *("env.n_rounds=1", "env.n_peers=0", "output_dir=played"),
    ]
    assert cli.main(["simulate", *played]) == 0
    assert cli.main(["simulate", *SOCIETY, "output_dir=out", "wandb=disabled"]) == 0
    assert cli.main(["align", *job]) == 0
    for folder, stage in (("played", "simulation"), ("out", "alignment")):
        run = only(offline_runs(here / folder))
        (read,) = [a for a in run.artifacts if a.use_after_commit and a.type == "model"]
        recorded = read_record(here / folder / stage)
        assert recorded is not None
        described = json.loads(read.metadata)
        assert described in recorded["read"]
        assert described["path"] == str(here / "tiny")


def test_other_sources_than_a_societys_are_called_by_kind_and_file(here: Path) -> None:
    (here / "my pairs.jsonl").write_text(
        json.dumps({"prompt": "\n\nHuman: q\n\nAssistant:", "chosen": " a", "rejected": " b"})
    )
    given = "data.sources=[{kind: hh, path: my pairs.jsonl}]"
    assert cli.main(["data", *SOCIETY, given]) == 0
    run = only(offline_runs(here / "runs/default"))
    (read,) = [a for a in run.artifacts if a.use_after_commit]
    assert (read.name, read.type) == ("hh-my_pairs", "dataset")
    assert [entry.path for entry in read.manifest.contents] == ["my pairs.jsonl"]


@pytest.mark.parametrize(
    ("error", "exit_code"),
    [
        (UserError("no"), 1),
        (BudgetReached("spent"), 0),
        (KeyboardInterrupt(), 255),
        (Terminated(), 255),
    ],
)
def test_a_run_that_fails_or_is_stopped_is_marked_and_keeps_its_rows(
    error: BaseException, exit_code: int, here: Path
) -> None:
    def fail() -> None:
        with tracked_of("align") as run:
            run.log({"train/loss": 1.0, "train/global_step": 5})
            raise error

    with pytest.raises(type(error)):
        fail()
    ended = only(offline_runs(here / "runs/default"))
    assert ended.exit_code == exit_code
    assert not ended.preempting
    assert metrics(ended, "train/") == [{"train/loss": 1.0, "train/global_step": 5}]


def test_a_point_of_a_sweep_that_loses_its_machine_is_marked_as_preempted(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_SWEEP_ID", "sweep1")
    monkeypatch.setenv("WANDB_RUN_ID", "given")
    wandb.teardown()  # it reads the environment once in a process
    with (
        pytest.raises(Terminated),
        sigterm_stops(),
        tracked_of("align"),
    ):
        os.kill(os.getpid(), signal.SIGTERM)
    wandb.teardown()
    ended = only(offline_runs(here / "runs/default"))
    assert (ended.id, ended.preempting, ended.exit_code) == ("given", True, 255)
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_keys_are_written_nowhere(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "sk-very-secret"
    custom = "policy._target_=tests.alignment.reporting.tracking.test_run.Keyed"
    given = [custom, f"policy.api_key={secret}", f"+policy.base_url=http://me:{secret}@host/v1"]
    monkeypatch.setattr("sys.argv", ["social-sandbox", "simulate", *given])
    assert cli.main(["simulate", *SOCIETY[1:], *given]) == 0
    run = only(offline_runs(here / "runs/default"))
    assert run.config["policy.api_key"] == "***"
    assert run.config["policy.base_url"] == "http://***@host/v1"
    files = [path for path in here.rglob("*") if path.is_file()]
    assert len(files) > 5
    assert [path for path in files if secret.encode() in path.read_bytes()] == []


class Keyed(ScriptedPolicy):
    """A policy of somebody else that is given a key."""

    def __init__(self, api_key: str, base_url: str = "") -> None:
        super().__init__()
        assert api_key == "sk-very-secret"


def test_only_the_first_of_several_processes_speaks(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RANK", "1")
    with tracked_of("align") as run:
        assert run is None
    assert offline_runs(here / "runs/default") == []
