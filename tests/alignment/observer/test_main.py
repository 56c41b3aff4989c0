"""The command `social-sandbox observer`."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from social_sandbox.alignment import cli, value_head
from social_sandbox.alignment.data.groups import Candidate, RatedGroup, write_groups
from social_sandbox.envs.rules.questions import held_out_questions
from social_sandbox.envs.text.messages import Message
from tests.helpers.people import item, pair, rating, write_people

Fit = Callable[..., int]


def groups(count: int, question: str = "May I lie about {} things?") -> list[RatedGroup]:
    return [
        RatedGroup(
            id=str(n),
            kind="imitation",
            prompt=(Message("system", "Be kind."), Message("user", question.format(n))),
            candidates=(
                Candidate(f"It hurts {n} people who trust you.", 6.0),
                Candidate(f"Who cares, fool, do it {n} times.", 2.0),
                Candidate(f"Perhaps {n}.", 4.0),
            ),
        )
        for n in range(count)
    ]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_groups(tmp_path / "groups.jsonl", groups(40))
    rows = [
        {
            "prompt": f"\n\nHuman: May I shout at {n} people?\n\nAssistant:",
            "chosen": f" It hurts {n} of them.",
            "rejected": f" Shout at {n} fools.",
        }
        for n in range(40)
    ]
    (tmp_path / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path


@pytest.mark.embedded
def test_a_head_is_fitted_to_pairs_and_groups_and_rates(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    both = ["pairs.jsonl", "--groups", "groups.jsonl", "--output", "head", "--seed", "1"]
    assert cli.main(["observer", *both]) == 0
    output = capsys.readouterr().out
    assert "held-out pairs rates higher: " in output
    assert "80 pairs" in output
    card = (here / "head/README.md").read_text()
    assert "human preferences" in card
    assert "pairs of rated candidates" in card
    head = "observer.head=head/value_head.safetensors"
    assert head in output
    society = ["policy=scripted", "n_worlds=1", "env.grid_size=2", "env.n_rounds=1"]
    quiet = ["embedder=hashing", "progress=false", "wandb=disabled"]
    assert cli.main(["simulate", *society, *quiet, "observer=value_model", head]) == 0


@pytest.mark.embedded
def test_a_head_is_fitted_to_what_people_judged(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    items = [item(n) for n in range(40)]
    judged = [
        *(pair("Ann", f"item_{n}", "base", "aligned", "right") for n in range(20)),
        *(rating("Bob", f"item_{n}", "base", 2) for n in range(20, 40)),
        *(rating("Bob", f"item_{n}", "aligned", 6) for n in range(20, 40)),
    ]
    write_people(here / "run", items, judged)
    assert cli.main(["observer", "--people", "run", "--output", "head"]) == 0
    assert "40 pairs" in capsys.readouterr().out
    assert "answers that people compared or rated" in (here / "head/README.md").read_text()


def test_held_out_questions_that_people_judged_are_no_data_for_a_head(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = replace(item(0), question=held_out_questions()[0].text)
    write_people(here / "run", [asked], [pair("Ann", "item_0", "base", "aligned", "right")])
    assert cli.main(["observer", "--people", "run"]) == 2
    assert "--people: run: group" in capsys.readouterr().err
    assert cli.main(["observer", "--people", "nobody"]) == 2
    assert "--people: no people/study.json in nobody" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.jsonl"], "pairs: cannot read nowhere.jsonl"),
        (["--groups", "nowhere.jsonl"], "groups: cannot read nowhere.jsonl"),
        (["--groups", "leaky.jsonl"], "--groups: leaky.jsonl: group 0 holds a held-out question"),
        (["--groups", "broken.jsonl"], "broken.jsonl, line 1"),
    ],
)
@pytest.mark.parametrize("main", [lambda given: cli.main(["observer", *given]), value_head.main])
def test_a_file_that_cannot_be_used_is_named_in_one_line(
    here: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
    main: Callable[[list[str]], int],
) -> None:
    write_groups(here / "leaky.jsonl", groups(2, held_out_questions()[0].text))
    (here / "broken.jsonl").write_text("{}\n")
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_the_command_asks_for_data(capsys: pytest.CaptureFixture[Any]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["observer"])
    assert ended.value.code == 2
    assert "give at least one file" in capsys.readouterr().err
