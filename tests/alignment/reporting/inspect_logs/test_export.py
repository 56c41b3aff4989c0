"""Logs of Inspect, written by the command line and read by Inspect itself."""

import json
import math
import socket
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import pytest

from social_sandbox.envs import Interaction, Tokens, read_interactions, write_interactions
from social_sandbox.envs.rules.interactions import Answer, Feedback
from tests.helpers.command_line import here, run
from tests.helpers.hostile import HOSTILE
from tests.helpers.societies import play, society

__all__ = ["here"]

pytest.importorskip("inspect_ai", reason="pip install 'social-sandbox[inspect]'")


def read(path: Path | str) -> Any:
    from inspect_ai.log import read_eval_log

    return read_eval_log(str(path))


def written(interactions: list[Interaction]) -> Any:
    write_interactions("some.jsonl", interactions)
    assert run("export", "to=inspect", "interactions=some.jsonl", "export.folder=logs") == 0
    return read("logs/society.eval")


def test_a_society_is_a_log_with_a_sample_for_each_interaction(here: Path) -> None:
    assert run("simulate", "output_dir=out") == 0
    assert run("export", "output_dir=out", "to=inspect") == 0
    log = read("out/export/inspect/society.eval")
    interactions = read_interactions("out/simulation/interactions.jsonl")
    assert (log.status, log.eval.task) == ("success", "social_sandbox/society")
    assert log.eval.metadata["settings"]["n_worlds"] == 2
    samples = {sample.id: sample for sample in log.samples}
    assert sorted(samples) == sorted(one.id for one in interactions)
    for one in interactions:
        sample = samples[one.id]
        said = [message.text for message in sample.messages]
        assert (said[0], said[1], said[-1]) == (one.question, one.draft.text, one.revision.text)
        read_by_agent = [(f.peer, f.rating) for f in one.feedback]
        feedback = [message.metadata for message in sample.messages[2:-1]]
        assert [(m["peer"], m["rating"]) for m in feedback] == read_by_agent
        assert sample.scores["alignment_draft"].value == one.rating("alignment", "draft")
        assert sample.scores["engagement_revision"].value == one.rating("engagement", "revision")
        assert sample.metadata["round"] == one.round
        assert sample.metadata["agent"] == one.agent
        assert sample.metadata["world"] == one.world
        assert sample.metadata["peers"] == [f.peer for f in one.feedback]
        assert sample.output.completion == one.revision.text
    (mean,) = (s.metrics["mean"].value for s in log.results.scores if s.name == "alignment_draft")
    ratings = [one.rating("alignment", "draft") for one in interactions]
    assert mean == pytest.approx(sum(r for r in ratings if r is not None) / len(ratings))


def test_missing_ratings_errors_and_tokens_are_told(here: Path) -> None:
    one = play(society()).interactions[0]
    spoilt = replace(
        one,
        draft=Answer("A draft", "smollm2", Tokens(10, 20), cut_off=True),
        feedback=(Feedback("social_1", None, "", "api", Tokens(5, 6, usd=0.5), "no answer"),),
        mean_rating=None,
        revision=Answer("", "smollm2", Tokens(1, 2), error="the server refused", cut_off=True),
        observations=(),
    )
    log = written([spoilt])
    (sample,) = log.samples
    assert all(math.isnan(score.value) for score in sample.scores.values())
    assert sample.scores["peers"].explanation == "no peer gave a rating"
    assert "revision: the server refused; social_1: no answer" in sample.error.message
    assert sample.output.stop_reason == "max_tokens"
    assert sample.metadata["cut_off"] == ["draft", "revision"]
    assert sample.metadata["missing_ratings"] == 1
    usage = log.stats.model_usage
    assert (usage["smollm2"].input_tokens, usage["smollm2"].output_tokens) == (11, 22)
    assert usage["api"].total_cost == 0.5
    assert sample.model_usage["smollm2"].total_tokens == 33
    assert {score.unscored_samples for score in log.results.scores} == {1}
    assert log.results.completed_samples == 0


def test_texts_come_back_as_they_were(here: Path) -> None:
    one = play(society()).interactions[0]
    long = "long answer " * 90_000
    spoilt = replace(one, question=HOSTILE, draft=Answer(HOSTILE), revision=Answer(long))
    (sample,) = written([spoilt]).samples
    assert sample.input == HOSTILE
    assert sample.messages[1].text == HOSTILE
    assert sample.messages[-1].text == long


def test_ids_are_the_same_each_time_and_no_network_is_asked(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> NoReturn:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    interactions = list(play(society()).interactions)
    logs = [written(interactions) for _ in range(2)]
    ids = [
        (log.eval.eval_id, log.eval.run_id, [(s.uuid, s.messages[0].id) for s in log.samples])
        for log in logs
    ]
    assert ids[0] == ids[1]


def test_held_out_answers_have_a_sample_for_each_model(here: Path) -> None:
    folder = here / "out/evaluation"
    folder.mkdir(parents=True)
    rows = [
        {
            **{"question": f"Question {number}?", "kind": "daily", "sample": sample},
            "base": {"answer": "No.", "alignment": 2.0, "engagement": None},
            "aligned": {"answer": HOSTILE, "alignment": 6.0 + sample, "engagement": 5.0},
        }
        for number in range(2)
        for sample in range(2)
    ]
    (folder / "answers.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "results.json").write_text('{"questions": 2}')
    assert run("export", "output_dir=out", "to=inspect") == 0
    log = read("out/export/inspect/held_out.eval")
    assert {(s.id, s.epoch) for s in log.samples} == {
        (f"000{number}/{model}", epoch)
        for number in (1, 2)
        for model in ("base", "aligned")
        for epoch in (1, 2)
    }
    by_id = {(s.id, s.epoch): s for s in log.samples}
    assert by_id["0001/aligned", 2].scores["alignment"].value == 7.0
    assert by_id["0001/aligned", 2].messages[-1].text == HOSTILE
    assert math.isnan(by_id["0002/base", 1].scores["engagement"].value)
    means = {
        score.name: score.metrics["mean"].value for score in log.results.scores if score.metrics
    }
    assert (means["alignment/base"], means["alignment/aligned"]) == (2.0, 6.5)
    assert log.eval.config.epochs == 2
    assert log.eval.metadata["results"]["questions"] == 2


def test_benchmarks_have_a_sample_for_each_item(here: Path) -> None:
    folder = here / "out/benchmarks"
    folder.mkdir(parents=True)
    items = [
        {"item": "0", "scores": {"rating": 4.0}, "details": {"question": "Why?", "answer": "So."}},
        {"item": "1", "scores": {}, "details": {"question": "How?", "error": "no answer"}},
    ]
    lines = [{"benchmark": "hh", "part": "answer", "group": None, **item} for item in items]
    (folder / "items.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    estimate = {"mean": 4.0, "low": None, "high": None, "n": 1, "what": "w", "better": "higher"}
    results = {"model": "some/model", "benchmarks": {"hh": {"rating": estimate}}, "unused": []}
    (folder / "results.json").write_text(json.dumps(results))
    assert run("export", "output_dir=out", "to=inspect", "logs=benchmarks") == 0
    log = read("out/export/inspect/benchmarks.eval")
    assert [sample.id for sample in log.samples] == ["hh/answer/0", "hh/answer/1"]
    assert [message.text for message in log.samples[0].messages] == ["Why?", "So."]
    assert log.samples[0].scores["rating"].value == 4.0
    assert log.samples[1].error.message == "no answer"
    assert log.eval.model == "some/model"
    assert log.results.scores[0].name == "hh/rating"


def test_mistakes_are_one_line(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*overrides: str) -> str:
        capsys.readouterr()
        assert run("export", *overrides) == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1
        return error

    assert "did you mean 'inspect'?" in refused("to=inspct")
    assert "social-sandbox simulate first, or interactions=FILE" in refused("to=inspect")
    assert "there is no" in refused("to=inspect", "logs=held_out")
    monkeypatch.setitem(sys.modules, "inspect_ai.log", None)
    assert "pip install 'social-sandbox[inspect]'" in refused("to=inspect")
