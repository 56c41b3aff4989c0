"""Who plays, said on the command line."""

import json
import os
import sys
from collections import Counter
from pathlib import Path

import pytest

from social_sandbox.alignment import cli
from social_sandbox.policies.scripted import ScriptedPolicy
from tests.helpers.command_line import FAST, here, lines, run  # noqa: F401  (a fixture)

MINE = """
from social_sandbox.policies import ScriptedPolicy

class MyPolicy(ScriptedPolicy):
    def __init__(self, name="mine", creed=None):
        self.name = name

def no_policy():
    return 3

class Broken(MyPolicy):
    def act(self, turns):
        return "hello"
"""


@pytest.fixture
def my_pkg(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    (here / "my_pkg.py").write_text(MINE)
    monkeypatch.syspath_prepend(str(here))
    sys.modules.pop("my_pkg", None)


def policies_of(folder: Path) -> Counter[str]:
    rows = lines(folder / "simulation/interactions.jsonl")
    return Counter(row["draft"]["policy"] for row in rows)  # type: ignore[index]


@pytest.mark.usefixtures("my_pkg")
def test_a_class_of_ones_own_plays(here: Path) -> None:  # noqa: F811
    others = [argument for argument in FAST if not argument.startswith("policy=")]
    target = "policy._target_=my_pkg.MyPolicy"
    assert cli.main(["simulate", *others, target, "policy.name=me", "output_dir=out"]) == 0
    assert policies_of(here / "out") == {"me": 16}


def test_a_population_of_several(here: Path) -> None:  # noqa: F811
    population = (
        "population=[\n{select: 'social_*', share: 0.75, policy: scripted},\n"
        "{select: 'social_*', share: 0.25, policy: {_target_: my.Other}}]"
    ).replace("my.Other", f"{__name__}.Other")
    assert run("simulate", population, "output_dir=out") == 0
    assert policies_of(here / "out") == {"scripted": 12, "other": 4}
    cast = json.loads((here / "out/simulation/population.json").read_text())
    assert Counter(cast["world_0"].values()) == {"scripted": 4, "other": 1}


@pytest.mark.usefixtures("my_pkg")
def test_the_policy_plays_whom_a_population_leaves_out(here: Path) -> None:  # noqa: F811
    others = [argument for argument in FAST if not argument.startswith("policy=")]
    population = "population=[{select: social_0, policy: scripted}]"
    target = "policy._target_=my_pkg.MyPolicy"
    assert cli.main(["simulate", *others, target, population, "output_dir=out"]) == 0
    assert policies_of(here / "out") == {"mine": 12, "scripted": 4}


def test_a_wrong_server_is_found_before_memories_are_embedded(
    here: Path,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def embed(*_: object) -> None:
        raise AssertionError("embedded")

    monkeypatch.setattr("social_sandbox.envs.rules.memory.HashingEmbedder.embed", embed)
    others = [argument for argument in FAST if not argument.startswith("policy=")]
    server = ["policy=openai", "policy.model=m", "policy.max_retries=0"]
    where = "policy.base_url=http://127.0.0.1:9"
    assert cli.main(["simulate", *others, *server, where]) == 2
    assert "policy.base_url: cannot reach" in capsys.readouterr().err


class Other(ScriptedPolicy):
    name = "other"


@pytest.mark.usefixtures("my_pkg")
@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["population=[{policy: nobody}]"], "policy: 'nobody' is not installed; choose from"),
        (["population=[{select: x}]"], "population[0]: needs a policy"),
        (["population=[{policy: openai}]"], "population[0].model: policy openai needs this"),
        (
            ["population=[{policy: huggingface, modle: x}]"],
            "population[0].modle: no such setting of policy huggingface; there are model, ",
        ),
        (["population=[{policy: scripted, share: much}]"], "population[0].share: "),
        (
            ["population=[{policy: scripted, select: 'social_*'},{policy: human, rows: [0, 0]}]"],
            "is claimed twice",
        ),
        (["policy=nobody"], "policy: no choice 'nobody'; there are custom, huggingface, human"),
        (["policy=openai"], "policy.model"),
        (["policy=openai", "policy.model=m"], "environment variable NO_KEY_HERE is not set"),
        (["policy=huggingface", "policy.model=/nowhere"], "policy.model: no such folder: /nowhere"),
        (["policy=human"], "policy human: needs a terminal"),
        (["policy._target_=my_pkg.Nobody"], "my_pkg.Nobody"),
        (["policy._target_=my_pkg.no_policy"], "3 has no method act, and is no function"),
        (["policy._target_=my_pkg.Broken"], "policy mine: 8 turns need a list of as many answers"),
        (["budget.tokens=0"], "budget.tokens: must be above 0"),
        (["env.interaction=far"], "env.interaction"),
        (["priors=nowhere.jsonl"], "priors: cannot read nowhere.jsonl"),
        (["embedder=openai", "embedder.model=m"], "environment variable"),
    ],
)
def test_what_is_wrong_is_one_line_and_exit_code_2(
    here: Path,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    overrides: list[str],
    said: str,
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    if "policy.model=m" in overrides:
        overrides = [*overrides, "policy.api_key_env=NO_KEY_HERE"]
    names = {override.partition("=")[0].partition(".")[0] for override in overrides}
    fast = [argument for argument in FAST if argument.partition("=")[0] not in names]
    assert cli.main(["simulate", *fast, *overrides]) == 2
    error = capsys.readouterr().err.strip()
    assert said in error
    assert len(error.splitlines()) == 1
    assert "Traceback" not in error


def test_policies_are_listed_with_where_they_come_from(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["policies"]) == 0
    listed = capsys.readouterr().out
    for name in ("huggingface", "openai", "human", "scripted"):
        assert name in listed
    assert "social-sandbox" in listed


def test_priors_come_from_preference_pairs(here: Path) -> None:  # noqa: F811
    dialogue = "\n\nHuman: Hi\n\nAssistant: Hello.\n\nHuman: May I lie?\n\nAssistant:"
    pair = {"chosen": f"{dialogue} Rather not.", "rejected": f"{dialogue} Sure."}
    (here / "hh.jsonl").write_text(json.dumps(pair))
    (here / "asked.jsonl").write_text(json.dumps({"question": "May I lie?"}))
    arguments = ["priors=hh.jsonl", "questions=asked.jsonl", "env.world_view=all_bad"]
    assert run("simulate", *arguments, "env.n_rounds=1", "output_dir=out") == 0
    memories = [row["memory"] for row in lines(here / "out/simulation/interactions.jsonl")]
    assert {memory["answer"] for memory in memories} == {"Sure."}  # type: ignore[index]


def test_several_observers_are_compared(
    here: Path,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run("simulate", "env.n_observers=3", "output_dir=out") == 0
    assert "agreement of the observers on alignment: alpha" in capsys.readouterr().out


KEY = "sk-secret-0123456789"


@pytest.mark.embedded
def test_a_key_is_written_nowhere(
    here: Path,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    pytest.importorskip("xllamacpp", reason="no llama.cpp: pip install xllamacpp")
    from social_sandbox.alignment.speed.embedded.server import start
    from tests.helpers.servers.faulty_proxy import FaultyProxy, faulty_proxy

    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    server = start(2)
    # The server quotes the key in its errors, as OpenAI's does.
    # The requests before the society are undisturbed: a server that refuses them ends the run.
    upset = FaultyProxy(
        server.listening_address, share=0.35, kinds=("422",), spared=8, quotes_key=True
    )
    others = [
        a for a in FAST if not a.startswith(("policy=", "wandb=", "n_worlds", "env.n_rounds"))
    ]
    with faulty_proxy(upset) as proxy:
        arguments = [
            *others,
            "policy=openai",
            "policy.model=m",
            f"policy.base_url={proxy.url}",
            "policy.max_new_tokens=8",
            "policy.reason_tokens=24",
            "policy.on_error=missing",
            "wandb=offline",
            "n_worlds=1",
            "env.n_rounds=1",
        ]
        assert cli.main(["simulate", *arguments, "output_dir=out"]) == 0
        upset.share, upset.kinds = 1.0, ("401",)
        assert cli.main(["simulate", *arguments, "output_dir=out2"]) == 2
    assert upset.made["422"] > 0
    assert all(request["key"] == f"Bearer {KEY}" for request in upset.requests)
    printed = capfd.readouterr()
    assert KEY not in printed.out + printed.err
    assert "refused the key in OPENAI_API_KEY" in printed.err
    files = [Path(folder) / name for folder, _, names in os.walk(here) for name in names]
    assert len(files) > 4
    assert [path for path in files if KEY.encode() in path.read_bytes()] == []
