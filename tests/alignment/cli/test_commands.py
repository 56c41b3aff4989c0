"""The command line, in this process; the real models have a test of their own."""

import gc
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from social_sandbox.alignment import cli
from tests.helpers.command_line import FAST, here, lines, run
from tests.helpers.small_job import small_job

__all__ = ["here"]


def test_simulate_writes_every_interaction(here: Path) -> None:
    assert run("simulate", "output_dir=out") == 0
    written = lines(here / "out/simulation/interactions.jsonl")
    assert len(written) == 2 * 2 * 4
    assert {row["world"] for row in written} == {"world_0", "world_1"}


def test_one_seed_gives_one_society(here: Path) -> None:
    for folder, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert run("simulate", f"output_dir={folder}", f"seed={seed}") == 0
    texts = [(here / f"{f}/simulation/interactions.jsonl").read_text() for f in "abc"]
    assert texts[0] == texts[1] != texts[2]


def test_a_complete_stage_is_kept(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("simulate") == 0
    record = here / "runs/default/simulation/stage.json"
    before = record.stat().st_mtime_ns
    capsys.readouterr()
    assert run("simulate") == 0
    assert "complete, kept" in capsys.readouterr().out
    assert record.stat().st_mtime_ns == before


def test_data_can_be_made_from_a_file_of_somebody_else(here: Path) -> None:
    assert run("simulate", "output_dir=theirs") == 0
    assert run("data", "output_dir=mine", "interactions=theirs/simulation/interactions.jsonl") == 0
    kinds = {row["kind"] for row in lines(here / "mine/data/groups.jsonl")}
    assert kinds == {"imitation", "self_critic", "realignment"}


def test_training_leaves_no_model_in_memory(here: Path) -> None:
    def models() -> int:
        return sum(type(held).__name__ == "LlamaForCausalLM" for held in gc.get_objects())

    before = models()
    gc.disable()
    try:
        for method in ("stable_alignment", "sft", "dpo"):
            assert run("run", *small_job(here), f"method={method}", f"output_dir={method}") == 0
    finally:
        gc.enable()
    assert models() <= before


def test_figures_draw_what_there_is(here: Path) -> None:
    assert run("simulate") == 0
    assert run("figures") == 0
    drawn = {path.name for path in (here / "runs/default/figures").iterdir()}
    assert drawn == {
        *("ratings.png", "grid.png", "overview.png"),
        *("histograms.png", "histograms.json"),
    }


def test_own_questions_are_asked(here: Path) -> None:
    (here / "mine.jsonl").write_text('{"question": "Is it fair?"}\n')
    assert run("simulate", "questions=mine.jsonl") == 0
    questions = {
        row["question"] for row in lines(here / "runs/default/simulation/interactions.jsonl")
    }
    assert questions == {"Is it fair?"}


def test_nothing_is_left_in_the_folder_but_the_output(here: Path) -> None:
    assert run("simulate") == 0
    assert [path.name for path in here.iterdir()] == ["runs"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["runn"], "no command 'runn'; did you mean 'run'?"),
        (["run", "env.grid_sze=3"], "env.grid_sze: no such setting; did you mean 'env.grid_size'?"),
        (
            ["run", "+env.grid_sze=3"],
            "env.grid_sze: no such setting; did you mean 'env.grid_size'?",
        ),
        (["run", "+evaluate.pair=a"], "evaluate.pair: no such setting; did you mean"),
        (["run", "+whatever=1"], "whatever: no such setting"),
        (
            ["simulate", "engine.address=auto"],
            "engine.address: no such setting; there is one with engine=ray",
        ),
        (["run", "env.grid_size=abc"], "env.grid_size: must be a whole number"),
        (["run", "env=3"], "env: must be a mapping of settings, got 3"),
        (["run", "env.grid_size"], "env.grid_size: must be followed by =VALUE"),
        (["run", "--env.grid_size=3"], "--env.grid_size=3: settings have no dashes: env.grid"),
        (["run", "policy=opnai"], "openai, scripted; did you mean 'openai'?"),
        (["run", "data.mix={imitaton: 1}"], "did you mean 'data.mix.imitation'?"),
        (["run", "env.grid_size=0"], "env.grid_size: must be at least 1, got 0"),
        (["run", "env.rating_scale=5"], "env.rating_scale: must be 7 or 10, got 5"),
        (["run", "env.world_view=mixed"], "env.world_view: must be all_good, all_bad"),
        (["run", "policy=gpt"], "policy: no choice 'gpt'; there are custom, huggingface"),
        (["run", "n_worlds=0"], "n_worlds: must be at least 1"),
        (["run", "data.mix.imitation=-1"], "data.mix"),
        (["run", "method.margin=-1"], "method.margin: must be"),
        (["run", "method.margin"], "method.margin"),
        (
            ["align", "method=sft", "method.margin=1"],
            "method.margin: no such setting of method=sft",
        ),
        (["align", "method=sft", "+method.margin=1"], "method.margin: no such setting of sft"),
        (["align", "method=dpo", "method.bta=1"], "did you mean 'method.beta'?"),
        (
            ["align", "method=dpo", "method.pairing=any"],
            "method.pairing: must be all, best_worst or",
        ),
        (["align", "method=ppo"], "method: no choice 'ppo'; there are"),
        (["align", "method.lora={rank: 0}"], "method.lora.rank: must be at least 1"),
        (["align", "method.lora={rnk: 4}"], "method.lora.rnk: no such setting"),
        (["align", "method._target_=nowhere.Method"], "method._target_: cannot import"),
        (
            ["align", "method=sft", "method.extra={a: 1}", "groups=nope.jsonl"],
            "groups: cannot read",
        ),
        (["simulate", "output_dir=questions.jsonl"], "output_dir: cannot make questions.jsonl"),
        (["simulate", "seed=x"], "seed: must be a whole number, got 'x'"),
        (["simulate", "policy._target_=own.Agent"], "No module named 'own'"),
        (["simulate", "policy.nme=x"], "policy.nme: no such setting of policy=scripted"),
        (["simulate", "priors=questions.jsonl"], "priors: questions.jsonl, line 1: question"),
        (["data", "data.sources={kind: groups, path: questions.jsonl}"], "data.sources.0: q"),
        (
            ["data", "interactions=i", "data.sources=[{kind: groups, path: questions.jsonl}]"],
            "interactions: no source in data.sources means them",
        ),
        (["align", "groups=questions.jsonl"], "groups: questions.jsonl, line 1"),
        (
            ["evaluate", "model=embedded", "questions=questions.jsonl"],
            "evaluate.questions: questions",
        ),
        (["evaluate", "model=embedded", "benchmarks=[]"], "evaluate.benchmarks: name one at least"),
        (
            ["evaluate", "model=embedded", "benchmarks=truth"],
            "evaluate.benchmarks: no benchmark is named 'truth'",
        ),
        (
            ["simulate", "population=[{slect: a, policy: scripted}]"],
            "population[0].slect: no such setting",
        ),
        (["sweeps", "margin", "more"], "'more' is too much"),
        (["simulate", "questions=nope.jsonl"], "questions: cannot read nope.jsonl"),
        (["data", "interactions=nope.jsonl"], "interactions: cannot read nope.jsonl"),
        (["align", "groups=nope.jsonl"], "groups: cannot read nope.jsonl"),
        (["data"], "output_dir: runs/default/simulation is not complete"),
        (["evaluate"], "output_dir: runs/default/alignment is not complete"),
        (["figures"], "output_dir: nothing to draw"),
        (["simulate", "~env"], "env: cannot be removed"),
        (["simulate", "--fast"], "--fast: no such option"),
        (["simulate", "env=big"], "env: must be a mapping of settings, got 'big'"),
        (["simulate", "grid=2"], "grid: no such setting; did you mean 'env.grid_size'?"),
        (["simulate", "env.seed=2"], "env.seed: no such setting; did you mean 'seed'?"),
        (["simulate", "policy=custom"], "policy._target_: needs a value"),
        (["simulate", "env.n_peers=1,2"], "env.n_peers: 1,2 are several values"),
        (["simulate", "policy=huggingface", "policy.model=./nope"], "policy.model: no such folder"),
        (["simulate", "policy=huggingface", "policy.max_new_tokens=x"], "policy.max_new_tokens"),
        (["simulate", "observer=value_model", "observer.head=nope"], "observer.head: cannot read"),
    ],
)
def test_a_mistake_ends_with_one_line_and_code_2(
    here: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "questions.jsonl").write_text('{"question": 3}\n')
    command, *overrides = arguments
    chosen = {override.split("=")[0] for override in overrides}
    fast = [setting for setting in FAST if setting.split("=")[0] not in chosen]
    if command == "sweeps":
        fast = []
    assert cli.main([command, *fast, *overrides]) == 2
    printed = capsys.readouterr().err
    assert message in printed
    assert printed.count("\n") == 1
    assert "Traceback" not in printed


def test_a_broken_line_of_a_question_file_is_named(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "mine.jsonl").write_text('{"question": "Is it fair?"}\n{"question": 3}\n')
    assert run("simulate", "questions=mine.jsonl") == 2
    assert "mine.jsonl, line 2: question" in capsys.readouterr().err


def test_an_agent_of_the_folder_one_works_in_can_play(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "an_agent_of_mine.py").write_text(
        "class Silent:\n    def act(self, turn):\n        return None\n"
    )
    assert run("simulate", "policy._target_=an_agent_of_mine.Silent") == 0
    # What is empty is counted.
    assert "32 answers are missing: no text was written" in capsys.readouterr().out


def test_a_folder_in_which_nothing_was_made_takes_other_settings(here: Path) -> None:
    server = ["policy=openai", "policy.model=x", "policy.max_retries=0"]
    apart = [setting for setting in FAST if not setting.startswith("policy=")]
    where = "policy.base_url=http://127.0.0.1:9", "policy.extra={top_k: 50}"
    assert cli.main(["simulate", *apart, *server, *where]) == 2
    assert not (here / "runs/default/simulation/utterances.jsonl").exists()
    assert run("simulate") == 0


def test_other_settings_do_not_mix_with_what_is_there(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("simulate") == 0
    before = (here / "runs/default/simulation/interactions.jsonl").read_text()
    capsys.readouterr()
    assert run("simulate", "seed=5") == 2
    assert "seed: 0, now 5" in capsys.readouterr().err
    assert (here / "runs/default/simulation/interactions.jsonl").read_text() == before
    assert run("simulate", "seed=5", "overwrite=true") == 0
    assert (here / "runs/default/simulation/interactions.jsonl").read_text() != before


def test_help_names_every_command_and_setting(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--help"]) == 0
    usage = capsys.readouterr().out
    assert all(command in usage for command in cli.COMMANDS)
    assert cli.main(["run", "--help"]) == 0
    assert "env.grid_size=4" in capsys.readouterr().out


def test_ctrl_c_loses_nothing(here: Path) -> None:
    slow = [*FAST, "n_worlds=10", "env.grid_size=10", "env.n_rounds=5", "output_dir=out"]
    command = [sys.executable, "-m", "social_sandbox.alignment.cli", "simulate", *slow]
    log = here / "out/simulation/utterances.jsonl"
    process = subprocess.Popen(
        command, cwd=here, stderr=subprocess.PIPE, text=True, env={**os.environ}
    )
    deadline = time.monotonic() + 60
    while not (log.exists() and log.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, printed = process.communicate(timeout=60)
    assert process.returncode == 130, printed
    assert printed.strip() == "stopped; nothing is lost: the same command goes on from here"
    before = log.read_text()
    assert cli.main(["simulate", *slow]) == 0
    # A finished log is sorted.
    assert set(before[: before.rfind("\n")].split("\n")) <= set(log.read_text().split("\n"))
    assert len(lines(here / "out/simulation/interactions.jsonl")) == 10 * 5 * 100
