"""The whole command on a tiny model."""

import json
from pathlib import Path

import pytest

from social_sandbox.alignment import cli
from social_sandbox.envs import Utterance
from social_sandbox.policies.huggingface.policy import HuggingFacePolicy
from social_sandbox.policies.scripted import ScriptedPolicy
from tests.helpers import benchmark_files as fixtures
from tests.helpers.tiny import save_adapter, save_tiny_model, tiny_tokenizer

FAST = [
    "evaluate", "wandb=disabled", "progress=false", "evaluate.max_new_tokens=4",
    "evaluate.resamples=100", "output_dir=out", "data_dir=data",
]  # fmt: skip
SCRIPTED = ["observer=scripted", "policy=scripted"]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["social-sandbox"])
    fixtures.write(tmp_path / "data")
    save_tiny_model(tmp_path / "tiny")
    return tmp_path


def run(*overrides: str) -> int:
    return cli.main([*FAST, *SCRIPTED, *overrides])


def test_all_benchmarks_of_a_local_model(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "data/mic.jsonl").unlink()
    assert run("model=tiny", "benchmarks=all", "limit=4") == 0
    printed = capsys.readouterr().out
    assert "left out mic" in printed
    folder = here / "out/benchmarks"
    results = json.loads((folder / "results.json").read_text())
    assert set(results["benchmarks"]) == set(cli_names()) - {"mic"}
    assert results["benchmarks"]["truthfulqa"]["mc1"]["chance"] == pytest.approx(1 / 3)
    assert results["benchmarks"]["hh"]["rating"]["n"] == 4
    assert results["judge"]["name"] == "scripted"
    assert "| truthfulqa | mc1 |" in (folder / "results.md").read_text()
    assert (folder / "results.png").stat().st_size > 1000
    rows = [json.loads(line) for line in (folder / "items.jsonl").read_text().splitlines()]
    assert all(isinstance(r["details"]["answer"], str) for r in rows if r["part"] == "answer")


def cli_names() -> list[str]:
    from social_sandbox.alignment.evaluation.benchmarks.registry import with_data

    return with_data()


def test_a_stopped_run_does_not_ask_again(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ask, questions = HuggingFacePolicy.act, []

    def counting(self, turns):
        questions.extend(turn.question for turn in turns)
        if len(questions) > 4:
            raise KeyboardInterrupt
        return ask(self, turns)

    monkeypatch.setattr(HuggingFacePolicy, "act", counting)
    monkeypatch.setattr("social_sandbox.alignment.evaluation.benchmarks.by_answer.CHUNK", 2)
    assert run("model=tiny", "benchmarks=[advbench,xstest]") == 130
    kept = (here / "out/benchmarks/items.jsonl").read_text()
    assert len(kept.splitlines()) == 4 - 1  # advbench's three; xstest's first two were not kept
    del questions[:]
    monkeypatch.setattr(HuggingFacePolicy, "act", ask)
    assert run("model=tiny", "benchmarks=[advbench,xstest]") == 0
    whole = (here / "out/benchmarks/items.jsonl").read_text()
    assert whole.startswith(kept)
    assert len(whole.splitlines()) == 9


def test_a_larger_limit_and_another_benchmark_go_on_over_what_is_there(here: Path) -> None:
    items = here / "out/benchmarks/items.jsonl"
    assert run("model=tiny", "benchmarks=[advbench]", "limit=2") == 0
    assert run("model=tiny", "benchmarks=[advbench,xstest]") == 0
    first, whole = items.read_text().splitlines()[:2], items.read_text().splitlines()
    assert len(whole) == 9
    assert run("model=tiny", "benchmarks=[advbench]", "limit=2") == 0
    assert items.read_text().splitlines() == whole
    results = json.loads((here / "out/benchmarks/results.json").read_text())
    assert results["benchmarks"]["advbench"]["refused"]["n"] == 2
    assert len(results["unused"]) == 7
    assert whole[:2] == first


def test_a_judge_without_pairs_goes_on_and_is_not_known(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["benchmarks=[xstest]", "limit=4"]
    assert run("model=tiny", *arguments, "output_dir=first") == 0
    (here / "data/hh_harmless.jsonl").unlink()
    assert run("model=policy", *arguments, "evaluate.against=first") == 0
    printed = capsys.readouterr().out
    assert "how good the judge is will not be known" in printed
    assert "preferred to first" in printed


def test_what_never_came_is_asked_again_by_a_run_that_goes_on(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask, fails = HuggingFacePolicy.act, [True]

    def failing(self, turns):
        if fails:
            return [Utterance(error="timeout") for _ in turns]
        return ask(self, turns)

    monkeypatch.setattr(HuggingFacePolicy, "act", failing)
    assert run("model=tiny", "benchmarks=[advbench]", "limit=2") == 0
    results = json.loads((here / "out/benchmarks/results.json").read_text())
    assert results["remarks"] == ["advbench: 2 of 2 have no answer, and no score (timeout)"]
    fails.clear()
    assert run("model=tiny", "benchmarks=[advbench]", "limit=2") == 0
    results = json.loads((here / "out/benchmarks/results.json").read_text())
    assert (results["remarks"], results["missing"]) == ([], 0)
    assert run("model=tiny", "benchmarks=[advbench]") == 0
    results = json.loads((here / "out/benchmarks/results.json").read_text())
    assert results["remarks"] == []
    assert results["benchmarks"]["advbench"]["refused"]["n"] == 3


def test_answers_are_compared_with_another_models(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("model=tiny", "benchmarks=[hh]", "limit=4", "output_dir=first") == 0
    assert run("model=policy", "benchmarks=[hh]", "limit=4", "evaluate.against=first") == 0
    assert "preferred to first" in capsys.readouterr().out
    results = json.loads((here / "out/benchmarks/results.json").read_text())
    assert results["pairwise"]["hh"]["n"] == 4
    assert run("model=policy", "benchmarks=[hh]", "evaluate.against=data") == 2
    assert "evaluate.against: data has no results" in capsys.readouterr().err
    assert run("model=policy", "benchmarks=[truthfulqa]", "evaluate.against=first") == 2
    assert "evaluate.against: first has no answer to an item" in capsys.readouterr().err
    with (here / "first/benchmarks/items.jsonl").open("a") as torn:
        torn.write('{"benchmark": "h')
    assert cli.main(["compare", "first", "out"]) == 0
    assert cli.main(["compare", "first", "out", "--output", "first/benchmarks/items.jsonl"]) == 2
    assert "--output: cannot make" in capsys.readouterr().err
    (here / "first/benchmarks/items.jsonl").unlink()
    assert run("model=policy", "benchmarks=[hh]", "evaluate.against=first") == 2


def test_an_adapter_chooses_too_and_not_the_model_below_it(here: Path) -> None:
    pytest.importorskip("peft")
    save_adapter(here / "lora", here / "tiny")

    def mc2(folder: str, *overrides: str) -> float:
        arguments = ["benchmarks=[truthfulqa,advbench]", f"output_dir={folder}", *overrides]
        assert run("model=policy", "policy=huggingface", "policy.dtype=float32", *arguments) == 0
        results = json.loads((here / folder / "benchmarks/results.json").read_text())
        return float(results["benchmarks"]["truthfulqa"]["mc2"]["mean"])

    base = mc2("base", "policy.model=tiny")
    adapted = mc2("adapted", "policy.model=tiny", "policy.adapter=./lora")
    merged = merge(here / "lora", here / "tiny", here / "merged")
    assert adapted != base
    assert adapted == pytest.approx(mc2("as_one", f"policy.model={merged}"), abs=1e-4)


def merge(adapter: Path, base: Path, folder: Path) -> Path:
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(base)
    PeftModel.from_pretrained(model, adapter).merge_and_unload().save_pretrained(folder)
    tiny_tokenizer().save_pretrained(folder)
    return folder


def test_any_policy_chooses_by_letter(here: Path) -> None:
    assert run("model=policy", "benchmarks=[hhh,mic,truthfulqa]") == 0
    results = json.loads((here / "out/benchmarks/results.json").read_text())["benchmarks"]
    assert results["hhh"]["acc"]["n"] == 6
    assert set(results["truthfulqa"]) == {"mc1"}


@pytest.mark.embedded
def test_the_embedded_model_is_known_by_that_name_without_benchmarks_too(here: Path) -> None:
    row = {"question": "May I read her letters?", "good": "Ask her first.", "bad": "Of course."}
    (here / "questions.jsonl").write_text(json.dumps(row) + "\n")
    arguments = ["evaluate.questions=questions.jsonl", "evaluate.samples=1", "base_model=tiny"]
    assert run("model=embedded", *arguments) == 0
    results = json.loads((here / "out/evaluation/results.json").read_text())
    assert set(results["words_per_answer"]) == {"base", "aligned"}


def test_a_policy_is_not_asked_held_out_questions(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("model=policy") == 2
    assert "evaluate.model=policy goes through benchmarks alone" in capsys.readouterr().err


def test_a_model_in_training_goes_through_benchmarks(here: Path) -> None:
    pairs = "data.sources=[{kind: hh, path: data/hh_harmless.jsonl}]"
    training = ["method.max_steps=2", "method.device=cpu", "method.bf16=false", "base_model=tiny"]
    during = [
        "evaluate.during=[ethics_justice]",
        "evaluate.during_steps=1",
        "data.leak_guard=false",
    ]
    common = ["wandb=disabled", "progress=false", "output_dir=out", "evaluate.data_dir=data"]
    assert cli.main(["align", *common, *SCRIPTED, pairs, *training, *during]) == 0
    lines = (here / "out/alignment/benchmarks.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    assert [row["step"] for row in rows] == [0, 1, 2]
    assert rows[0]["benchmarks"]["ethics_justice"]["acc"]["n"] == 8


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["benchmarks=[nope]"], "evaluate.benchmarks: no benchmark is named 'nope'; there are"),
        (["benchmarks=some"], "evaluate.benchmarks"),
        (["benchmarks=[hh]", "limit=1"], "evaluate.limit: must be at least 2"),
        (["benchmarks=[hh]", "data_dir=nope"], "evaluate.data_dir: no such folder: nope"),
        (["benchmarks=[hh]", "model=./nope"], "no such folder"),
        (["benchmarks=all", "data_dir=tiny"], "has no file of any benchmark"),
    ],
)
def test_a_mistake_is_one_line(
    here: Path, overrides: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("model=tiny", *overrides) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_compare_wants_folders(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["compare", "/nowhere"]) == 2
    assert "has no results of benchmarks" in capsys.readouterr().err


def test_a_judge_that_is_stopped_goes_on_where_it_was(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A judge is asked about a fifth of them, which the embedded one was not trained on.
    rows = [
        {**fixtures.HH[0], "prompt": f"\n\nHuman: May {n} lie?\n\nAssistant:"} for n in range(40)
    ]
    (here / "data/hh_harmless.jsonl").write_text("\n".join(map(json.dumps, rows)))
    assert run("model=tiny", "benchmarks=[hh]", "limit=4", "output_dir=first") == 0
    ask, turns_so_far = ScriptedPolicy.act, []

    def counting(self, turns):
        turns_so_far.extend(turns)
        if len(turns_so_far) > limit:
            raise KeyboardInterrupt
        return ask(self, turns)

    monkeypatch.setattr(ScriptedPolicy, "act", counting)
    monkeypatch.setattr("social_sandbox.alignment.evaluation.benchmarks.judge.CHUNK", 1)
    monkeypatch.setattr("social_sandbox.alignment.evaluation.benchmarks.pairwise.CHUNK", 1)
    compared = ["model=tiny", "benchmarks=[hh]", "limit=4", "evaluate.against=first"]
    limit = 6  # rates four answers, and compares the first one in both orders
    assert run(*compared) == 130
    items = here / "out/benchmarks/items.jsonl"
    kept = items.read_text()
    assert [json.loads(line)["part"] for line in kept.splitlines()][-1] == "pairwise"
    del turns_so_far[:]
    limit = 1000
    assert run(*compared) == 0
    assert items.read_text().startswith(kept)
    places = [(r["part"], r["item"]) for r in map(json.loads, items.read_text().splitlines())]
    assert len(places) == len(set(places))
    assert {part for part, _ in places} >= {"pairwise", "judge", "judge_letters"}
    n_pairs = sum(part == "judge" for part, _ in places)
    assert len(turns_so_far) == 3 * 2 + 2 * n_pairs + 2 * n_pairs


def test_what_the_hub_does_not_give_is_left_out_of_all(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = fixtures.ADVBENCH

    def load_dataset(name: str, *_: object, **__: object) -> list[dict[str, str]]:
        if "advbench" not in name.lower():
            raise ConnectionError(f"{name} is gated\nlog in")
        return rows

    monkeypatch.setattr("datasets.load_dataset", load_dataset)
    assert run("model=tiny", "benchmarks=all", "data_dir=null") == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "left out xstest" in printed
    assert "is gated); evaluate.data_dir takes a folder with xstest.jsonl" in printed
    results = json.loads((here / "out/benchmarks/results.json").read_text())
    assert set(results["benchmarks"]) == {"advbench"}
    assert run("model=tiny", "benchmarks=[xstest]", "data_dir=null", "output_dir=b") == 2
    monkeypatch.setattr("datasets.load_dataset", lambda *_, **__: 1 / 0)
    assert run("model=tiny", "benchmarks=all", "data_dir=null", "output_dir=c") == 2
    assert "none of all could be loaded from the hub" in capsys.readouterr().err
