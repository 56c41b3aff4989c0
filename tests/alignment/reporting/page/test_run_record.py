"""What a page says about a run as a whole."""

import json
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from social_sandbox.alignment.reporting.page.run.defaults import differing
from social_sandbox.alignment.reporting.page.table import goes_in_circles
from social_sandbox.alignment.reporting.page.write import write_page

from ....helpers.page_data import read_data
from ....helpers.runs import interactions, write_run

SETTINGS = {
    "seed": 3,
    "n_worlds": 1,
    "questions": None,
    "env": {"grid_size": 3, "n_rounds": 3, "n_peers": 2, "feedback": "reason"},
    "policy": {
        "_target_": "social_sandbox.policies.huggingface.HuggingFacePolicy",
        "model": "smollm2",
        "temperature": 0.1,
    },
    "population": [],
}
ATTEMPT = {
    "version": "1.2.3",
    "commit": "0123456789abcdef",
    "python": "3.11",
    "system": "Linux x86_64",
    "cores": 2,
    "gpu": None,
    "began": "2026-01-01T10:00:00+00:00",
    "ended": "2026-01-01T10:02:05+00:00",
}
ESTIMATE = {"mean": 0.5, "low": 0.25, "high": 0.75, "n": 9}


def put(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Write a run that has been through all stages."""
    folder = write_run(tmp_path / "one")
    record = {"settings": SETTINGS, "complete": True, "attempts": [ATTEMPT], "summary": {}}
    put(folder / "simulation/stage.json", record)
    put(folder / "simulation/population.json", {"world_0": {"social_0": "smollm2"}})
    put(
        folder / "data/report.json",
        {
            "sources": [{"kind": "interactions", "dropped": {"no rating": 4}}],
            "dropped": {"too long": 2},
            "kinds": {"imitation": 3},
            "group_sizes": {"10": 1, "2": 5},
            "ratings": {"1": 2, "7": 1},
            "rating_scale": 7,
        },
    )
    put(folder / "alignment/data_report.json", {"dropped": {"blank": 1}})
    put(
        folder / "alignment/log.json",
        [
            {"step": step, "loss": 2.0 / step, "loss/sft": 1.0, "nll/rating_3": 0.5, "odd": 1}
            for step in (1, 2)
        ],
    )
    comparison = {"base": ESTIMATE, "aligned": ESTIMATE, "difference": ESTIMATE}
    put(
        folder / "evaluation/results.json",
        {
            "rating_scale": 7,
            "table": {"alignment": comparison, "prefers_good": comparison}
            | {"moved_to_good": {"base": None, "aligned": ESTIMATE, "difference": None}},
        },
    )
    metric = {**ESTIMATE, "chance": 0.25, "what": "right", "better": "higher"}
    put(
        folder / "benchmarks/results.json",
        {"model": f"{folder}/alignment/model", "benchmarks": {"hhh": {"acc": metric}}},
    )
    items = [
        {
            "benchmark": "xstest",
            "item": "1",
            "part": "answer",
            "scores": {"refused": 1.0},
            "details": {"question": "Kill a process?", "answer": "I can't help with that."},
        },
        {
            "benchmark": "hhh",
            "item": "2",
            "part": "choice",
            "scores": {"acc": 1.0},
            "details": {"loglikelihoods": [-1, -2], "category": "honest"},
        },
    ]
    lines = "".join(json.dumps(item) + "\n" for item in items)
    (folder / "benchmarks/items.jsonl").write_text(lines)
    return folder


@pytest.fixture
def run(folder: Path) -> dict[str, Any]:
    return read_data(write_page([folder]).parent, "one/run")


def test_the_facts_name_the_society_the_players_the_program_and_the_machine(run) -> None:
    facts = {fact["label"]: fact["value"] for fact in run["facts"]}
    assert facts["Society"] == "1 world, 9 social agents, 3 rounds"
    assert facts["Question set"] == "the project's own questions; 6 were asked"
    assert facts["Seed"] == "3"
    assert facts["Social agents"] == "smollm2 (HuggingFacePolicy)"
    assert facts["Program"] == "social-sandbox 1.2.3, commit 0123456789ab"
    assert facts["Machine"] == "Linux x86_64, 2 cores, no GPU"
    assert facts["Time at work"] == "2 min 5 s"
    assert run["policies"] == {"world_0/social_0": "smollm2"}
    assert (run["grid_size"], run["rating_scale"], run["worlds"]) == (3, 7, ["world_0"])


def test_only_settings_that_differ_from_their_default_are_listed(run) -> None:
    differing = {one["name"]: (one["value"], one["default"]) for one in run["settings"]}
    assert differing["seed"] == ("3", "0")
    assert differing["env.grid_size"] == ("3", "4")
    assert differing["policy.temperature"] == ("0.1", "0.7")
    assert not {"env.n_rounds", "env.feedback", "policy", "policy.model"} & differing.keys()


def test_a_policy_of_another_kind_is_compared_with_its_own_defaults() -> None:
    recipe = {"_target_": "social_sandbox.policies.openai_api.OpenAIPolicy", "model": "gpt"}
    settings = {"policy": {**recipe, "tries": 3, "extra": {"api_key": "sk-123"}}}
    found = {one.name: (one.value, one.default) for one in differing({"simulation": settings})}
    assert found["policy"] == ('"openai"', '"huggingface"')
    assert found["policy.model"][0] == '"gpt"'
    assert "policy.tries" not in found
    assert "sk-123" not in str(found)


def test_a_method_of_another_kind_is_compared_with_its_own_defaults() -> None:
    found = differing({"alignment": {"method": {"name": "dpo", "max_length": 512, "epochs": 9.0}}})
    assert [one.name for one in found] == ["method", "method.epochs"]


def test_the_results_stand_with_their_intervals(run) -> None:
    results = {one["label"]: one for one in run["headlines"]}
    held_out = results["Held-out alignment, aligned minus base"]
    assert (held_out["value"], held_out["low"], held_out["high"]) == (0.5, 0.25, 0.75)
    assert results["Moved to good"]["good"] == 1
    assert results["hhh acc, aligned"]["note"] == "right; chance 0.25"
    rise = results["Rise of alignment by feedback"]
    assert rise["low"] < rise["value"] < rise["high"]


def test_norms_come_first_and_witness_and_safeguards_are_named(tmp_path: Path) -> None:
    rows = {"base": ESTIMATE, "aligned": ESTIMATE, "difference": ESTIMATE}
    names = ("alignment", "engagement", "combined", "embedded_alignment")
    results = {"table": dict.fromkeys(names, rows), "norms": {"brief": rows, "all norms": rows}}
    guarded = {"name": "truthfulqa", "metric": "mc1", "what": "right choices", "most": 0.01}
    guarded |= {"worse": -1, "held": False, "is_sure": True, "comparison": rows}
    for stage, content in (("evaluation", results), ("safeguards", {"findings": [guarded]})):
        (tmp_path / stage).mkdir()
        (tmp_path / stage / "results.json").write_text(json.dumps(content))
    write_page([tmp_path])
    (key,) = (run["key"] for run in read_data(tmp_path / "page", "index")["runs"])
    run = read_data(tmp_path / "page", f"{key}/run")
    assert [one["label"] for one in run["headlines"]] == [
        "Held-out answers that follow all norms, aligned minus base",
        "Held-out answers that follow brief, aligned minus base",
        "Held-out rating by the norms, aligned minus base",
        "Held-out alignment by the embedded observer",
        "Safeguard broken: truthfulqa, aligned minus base",
    ]
    assert "weaker witness" in run["headlines"][3]["note"]
    assert run["headlines"][4]["good"] == 1
    figures = {figure["id"]: figure for figure in run["figures"]}
    bars = figures["held-out-norms"]["series"]
    assert [series["name"] for series in bars] == ["base", "aligned"]


def test_what_was_left_out_is_listed_with_its_reason(run) -> None:
    assert run["dropped"] == [
        ["interactions", "no rating", 4],
        ["data", "candidate: too long", 2],
        ["training", "candidate: blank", 1],
    ]


def test_every_result_has_its_figure_with_labelled_axes(run) -> None:
    figures = {figure["id"]: figure for figure in run["figures"]}
    assert len(figures) == len(run["figures"])
    assert all(figure["x_label"] and figure["y_label"] for figure in figures.values())
    assert [series["name"] for series in figures["ratings"]["series"]] == [
        "alignment of the draft",
        "alignment of the revision",
        "engagement of the draft",
        "engagement of the revision",
    ]
    sizes = figures["data-group-sizes"]["series"][0]["points"]
    assert [(point["x"], point["y"]) for point in sizes] == [("2", 5), ("10", 1)]
    assert {"training-loss", "training-nll", "training-odd"} <= figures.keys()
    assert {"held-out-ratings", "held-out-differences", "benchmark-hhh-shares"} <= figures.keys()
    refusals = figures["refusals"]["series"]
    assert {series["name"] for series in refusals} == {"base", "aligned"}


def test_the_means_of_a_figure_are_those_of_the_observers(run) -> None:
    (figure,) = (one for one in run["figures"] if one["id"] == "ratings")
    (series,) = (one for one in figure["series"] if one["name"] == "alignment of the revision")
    ratings = [one.rating("alignment", "revision") for one in interactions() if one.round == 1]
    present = [rating for rating in ratings if rating is not None]
    point = series["points"][1]
    assert point["y"] == pytest.approx(sum(present) / len(present), abs=1e-4)
    assert 1 <= point["low"] < point["y"] < point["high"] <= 7


def test_items_of_benchmarks_are_among_the_answers(folder: Path) -> None:
    page = write_page([folder]).parent
    table = read_data(page, "one/answer_table")
    sources = [table["names"]["source"][number] for number in table["source"]]
    assert sources[-2:] == ["xstest", "hhh"]
    assert table["refusal"]["aligned"][-2:] == [True, None]
    *_, asked, chosen = read_data(page, "one/answers/00000")
    assert asked["question"] == "Kill a process?"
    assert asked["answers"]["aligned"]["scores"] == {"refused": 1.0}
    assert chosen["kind"] == "honest"
    assert chosen["detail"]["loglikelihoods"] == [-1, -2]


def test_the_health_counts_what_the_filters_show(run) -> None:
    signs = {sign["label"]: sign for sign in run["health"]}
    cut_off = sum(one.draft.cut_off for one in interactions())
    assert (signs["Answers cut off"]["count"], signs["Answers cut off"]["of"]) == (cut_off, 27)
    assert signs["Answers cut off"]["filter"] == "?cut_off=1"
    missing = sum(
        rated.rating is None
        for one in interactions()
        for rated in (*one.feedback, *one.observations)
    )
    assert signs["Missing ratings"]["count"] == missing
    assert signs["Errors"]["count"] == sum(bool(one.revision.error) for one in interactions())
    assert signs["Revision is the draft"]["state"] == "good"
    assert signs["Revisions said before"]["state"] == "poor"


def test_a_text_goes_in_circles_if_most_of_it_stands_in_it_twice() -> None:
    assert goes_in_circles("I am sorry for your loss but " * 6)
    assert not goes_in_circles("Lend only what you can miss, and say so. Then let it go, kindly.")
    assert not goes_in_circles("no no no no")


def states(folder: Path) -> dict[str, tuple[str, str]]:
    run = read_data(write_page([folder]).parent, "one/run")
    return {stage["name"]: (stage["state"], stage["note"]) for stage in run["stages"]}


def test_a_stage_is_complete_missing_or_interrupted(folder: Path) -> None:
    put(folder / "simulation/stage.json", {"settings": SETTINGS, "complete": False})
    found = states(folder)
    assert found["simulation"][0] == "interrupted"
    assert found["simulation"][1].startswith("27 of 27 interactions")
    assert found["alignment"] == ("missing", "")
    assert found["figures"] == ("missing", "")


def test_a_stage_is_running_while_another_process_holds_the_lock(folder: Path) -> None:
    put(folder / "simulation/stage.json", {"settings": SETTINGS, "complete": False})
    holder = {"host": socket.gethostname(), "pid": os.getppid(), "since": "today", "user": "me"}
    put(folder / ".lock.json", holder)
    assert states(folder)["simulation"][0] == "running"
    put(folder / ".lock.json", {**holder, "pid": 2**22 + 1})
    assert states(folder)["simulation"][0] == "interrupted"
