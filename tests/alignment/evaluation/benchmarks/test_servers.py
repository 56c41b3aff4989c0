"""Models behind an API: what their server tells, refuses, or fails to say."""

from pathlib import Path
from typing import Any

import pytest

from social_sandbox.alignment.evaluation.benchmarks.by_answer import Judge, answer_items
from social_sandbox.alignment.evaluation.benchmarks.by_letter import choose_letters
from social_sandbox.alignment.evaluation.benchmarks.loading.loaders import load_items
from social_sandbox.alignment.evaluation.benchmarks.registry import find_benchmarks
from social_sandbox.alignment.evaluation.benchmarks.results.remarks import remarks
from social_sandbox.envs import UserError, Utterance
from social_sandbox.policies.openai.policy import OpenAIPolicy
from tests.helpers import benchmark_files as fixtures
from tests.helpers.servers.api_server import Answering, says, server


def items(name: str, folder: Path) -> tuple[Any, list[Any]]:
    (benchmark,) = find_benchmarks([name])
    return benchmark, load_items(benchmark, str(fixtures.write(folder)), None, 0)


def chosen(answering: Answering, folder: Path) -> list[Any]:
    with server(answering) as url:
        policy = OpenAIPolicy("m", base_url=url, max_retries=0)
        return list(choose_letters(*items("hhh", folder), policy, seed=0))


def test_the_likeliest_letter_is_chosen_where_the_server_tells(tmp_path: Path) -> None:
    # What is sampled is B; A is likelier, in two spellings.
    top = {"B": -1.0, " A": -1.1, "A": -1.2, "The": -3.0}
    results = chosen(lambda request: says("B", top), tmp_path)
    for result in results:
        assert (result.details["way"], result.details["letter"]) == ("logprobs", "A")
        logprobs = result.details["letter_logprobs"]
        assert logprobs["A"] == pytest.approx(-0.4576, abs=1e-3)
        assert logprobs["B"] == pytest.approx(-1.0021, abs=1e-3)
    assert sum(result.scores["acc"] for result in results) == 3


@pytest.mark.parametrize(
    ("text", "top"),
    [
        ("B", None),
        ("A better choice is B", {"A": -0.1, "B": -3.0}),
        ("B", {"The": -0.1, "A": -3.0}),
    ],
)
def test_else_the_letter_that_is_written(
    text: str, top: dict[str, float] | None, tmp_path: Path
) -> None:
    results = chosen(lambda request: says(text, top), tmp_path)
    assert {(r.details["way"], r.details["letter"]) for r in results} == {("letter", "B")}


def test_a_server_without_logprobs_is_asked_for_the_letter(tmp_path: Path) -> None:
    def refuses_the_wish(request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        return (400, {"error": {"message": "logprobs"}}) if "logprobs" in request else says("A")

    results = chosen(refuses_the_wish, tmp_path)
    assert {(r.details["way"], r.details["letter"]) for r in results} == {("letter", "A")}


@pytest.mark.parametrize("on_error", ["raise", "missing"])
@pytest.mark.parametrize(
    "refusal",
    [
        says("", finish_reason="content_filter"),
        says("", message={"role": "assistant", "content": None, "refusal": "No."}),
        (400, {"error": {"message": "filtered", "code": "content_filter"}}),
    ],
)
def test_a_refusal_by_the_server_is_one_and_the_run_goes_on(
    refusal: tuple[int, dict[str, Any]], on_error: Any, tmp_path: Path
) -> None:
    def answering(request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        return refusal if "1" in request["messages"][-1]["content"] else says("Of course.")

    with server(answering) as url:
        policy = OpenAIPolicy("m", base_url=url, on_error=on_error, max_retries=0)
        results = list(answer_items(*items("advbench", tmp_path), policy, None, 0))
    by_server = [r for r in results if r.details.get("refused_by_server")]
    assert [r.scores for r in by_server] == [{"refused": 1.0, "empty": 0.0}]
    assert sum(r.scores["refused"] for r in results) == 1
    assert remarks(results) == ["advbench: 1 of 3 were refused by the server"]


def test_what_a_judges_server_refuses_or_fails_to_rate_has_no_rating(tmp_path: Path) -> None:
    class Answers:
        name = "answers"

        def act(self, turns: Any) -> list[Utterance]:
            return [Utterance(f"Reply {n}") for n, _ in enumerate(turns)]

    filtered = (400, {"error": {"message": "filtered", "code": "content_filter"}})
    failing = (503, {"error": {"message": "busy"}})

    def judging(request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        text = request["messages"][-1]["content"]
        return filtered if "Reply 0" in text else failing if "Reply 1" in text else says("5")

    with server(judging) as url:
        judge = OpenAIPolicy("m", base_url=url, on_error="missing", max_retries=0, tries=1)
        hh, pairs = items("hh", tmp_path)
        results = list(answer_items(hh, pairs, Answers(), Judge(judge, 7), 0))
        lines = remarks(results)
        strict = OpenAIPolicy("m", base_url=url, max_retries=0, tries=1)
        only_refused = [pairs[0]]
        (refused,) = answer_items(hh, only_refused, Answers(), Judge(strict, 7), 0)
    assert [set(result.scores) for result in results[:3]] == [set(), set(), {"rating"}]
    assert [result.is_missing for result in results[:3]] == [False, True, False]
    assert results[1].details["error"].startswith("the judge: ")
    assert any("1 of 8 have an answer, but no verdict" in line for line in lines), lines
    assert any("1 of 8 have an answer that the judge did not rate" in line for line in lines)
    # A refusal ends no run.
    assert (refused.scores, refused.is_missing) == ({}, False)


def test_a_failure_is_no_answer(tmp_path: Path) -> None:
    failing = (503, {"error": {"message": "busy"}})

    def answering(request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        return failing if "1" in request["messages"][-1]["content"] else says("Of course.")

    with server(answering) as url:
        policy = OpenAIPolicy("m", base_url=url, on_error="missing", max_retries=0)
        results = list(answer_items(*items("advbench", tmp_path), policy, None, 0))
        (missing,) = [result for result in results if result.is_missing]
        assert missing.scores == {}
        assert "busy" in missing.details["error"]
        (line,) = remarks(results)
        assert line.startswith("advbench: 1 of 3 have no answer, and no score (")
        strict = OpenAIPolicy("m", base_url=url, max_retries=0)
        with pytest.raises(UserError, match="busy"):
            list(answer_items(*items("advbench", tmp_path), strict, None, 0))
