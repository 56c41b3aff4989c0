"""What the page on which people judge is told, and what it may send."""

import json
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from social_sandbox.alignment.data.study import Study, read_record, with_id, write_study
from social_sandbox.alignment.evaluation.people.answers import draw_items, read_answers
from social_sandbox.alignment.evaluation.people.page import Judging, rating_page
from social_sandbox.policies.browser.guard import LONGEST_BODY, Guard

from ....helpers.answers import run_with_answers

MODELS = ("base", "aligned")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a study of six questions."""
    answers = read_answers([run_with_answers(tmp_path / "run", 6)])
    items = draw_items(answers, MODELS, (), 0, seed=0)
    write_study(tmp_path / "people", with_id(Study(MODELS, "both"), items), items)
    return tmp_path / "people"


def client(folder: Path, raters: tuple[str, ...] = (), token: str = "") -> TestClient:
    """A client of a server that was started anew."""
    record = read_record(folder)
    page = rating_page(Judging(folder, record.study, list(record.items.values()), raters))
    return TestClient(
        Guard(page, "127.0.0.1", 80, token), base_url="http://127.0.0.1", follow_redirects=False
    )


def task(server: TestClient, rater: str = "Ann") -> dict[str, Any]:
    return server.get("/task", params={"rater": rater}).json()


def judgement(task: dict[str, Any], **fields: object) -> dict[str, Any]:
    given = {"choice": "left"} if task["kind"] == "pair" else {"alignment": 6, "engagement": 2}
    known = {name: task[name] for name in ("study", "rater", "number")}
    return {**known, "seconds": 1.25, **given, **fields}


def test_a_judgement_is_on_the_disk_before_the_next_task_comes(folder: Path) -> None:
    server = client(folder)
    first = task(server)
    answer = server.post("/judgement", json=judgement(first))
    (recorded,) = read_record(folder).judgements
    assert answer.json()["number"] == 1
    assert recorded.rater == "Ann"
    assert (recorded.kind, recorded.choice, recorded.seconds) == ("pair", "left", 1.2)
    shown = read_record(folder).items[recorded.item]
    assert [shown.answers[model] for model in recorded.models] == first["answers"]
    assert shown.question == first["question"]


def test_a_rater_who_judges_everything_is_thanked(folder: Path) -> None:
    server = client(folder)
    now, numbers = task(server), []
    while "number" in now:
        numbers.append(now["number"])
        now = server.post("/judgement", json=judgement(now)).json()
    assert now["done"] == now["total"] == len(numbers)
    assert numbers == list(range(len(numbers)))
    judgements = read_record(folder).judgements
    assert len(judgements) == len(numbers)
    assert {each.role for each in judgements} == {"main", "repeat", "check"}
    ratings = [each for each in judgements if each.kind == "rating"]
    assert all((each.alignment, each.engagement) == (6, 2) for each in ratings)


def test_a_server_that_is_started_anew_goes_on(folder: Path) -> None:
    first = client(folder)
    now = first.post("/judgement", json=judgement(task(first))).json()
    again = client(folder)
    assert task(again) == now
    assert task(again, "Bob")["done"] == 0


def test_the_same_task_is_counted_once(folder: Path) -> None:
    one_tab, other_tab = client(folder), client(folder)
    server = one_tab
    first = task(server)
    for choice in ("left", "right"):
        assert server.post("/judgement", json=judgement(first, choice=choice)).status_code == 200
    del other_tab
    assert [each.choice for each in read_record(folder).judgements] == ["left"]
    assert len((folder / "judgements.jsonl").read_text().splitlines()) == 1


def test_several_raters_do_not_disturb_each_other(folder: Path) -> None:
    server = client(folder)
    for _ in range(3):
        for rater in ("Ann", "Bob", "Cem"):
            server.post("/judgement", json=judgement(task(server, rater)))
    raters = [each.rater for each in read_record(folder).judgements]
    assert {name: raters.count(name) for name in raters} == {"Ann": 3, "Bob": 3, "Cem": 3}


def test_nothing_tells_which_model_wrote_an_answer(folder: Path) -> None:
    server = client(folder)
    now, seen = task(server), server.get("/study").text
    while "number" in now:
        answer = server.post("/judgement", json=judgement(now))
        seen += answer.text + str(answer.headers)
        now = answer.json()
    for word in ("base", "aligned", "good", "bad", "repeat", "check", "held_out", "main"):
        assert f'"{word}"' not in seen
    assert "aligned" not in seen


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"choice": "both"}, 400),
        ({"choice": None}, 400),
        ({"alignment": 3}, 400),
        ({"number": 10_000}, 400),
        ({"number": -1}, 400),
        ({"number": True}, 400),
        ({"number": "0"}, 400),
        ({"number": 10**400}, 400),
        ({"seconds": -1}, 400),
        ({"seconds": float("nan")}, 400),
        ({"study": "other"}, 409),
        ({"rater": ""}, 400),
        ({"rater": "x" * 41}, 400),
        ({"rater": "<b>"}, 400),
        ({"rater": "\u202eAnn"}, 400),
        ({"rater": "\ud800"}, 400),
        ({"rater": "../Ann"}, 400),
        ({"model": "base"}, 400),
        ({"\ud800": 1}, 400),
    ],
)
def test_what_does_not_fit_is_refused_and_not_recorded(
    folder: Path, fields: dict[str, object], status: int
) -> None:
    server = client(folder)
    body = json.dumps(judgement(task(server), **fields))
    answer = server.post("/judgement", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == status, answer.text
    assert read_record(folder).judgements == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"1", b'{"study": {}}', b"\xff\xfe"])
def test_a_malformed_body_is_refused(folder: Path, body: bytes) -> None:
    headers = {"content-type": "application/json"}
    assert client(folder).post("/judgement", content=body, headers=headers).status_code == 400


def test_a_large_body_is_refused(folder: Path) -> None:
    large = {"rater": "x" * LONGEST_BODY}
    assert client(folder).post("/judgement", json=large).status_code == 413


def test_ratings_are_from_1_to_7(folder: Path) -> None:
    server = client(folder)
    now = task(server)
    while now["kind"] == "pair":
        now = server.post("/judgement", json=judgement(now)).json()
    for fields in ({"alignment": 0}, {"engagement": 8}, {"alignment": None}, {"alignment": 2.5}):
        assert server.post("/judgement", json=judgement(now, **fields)).status_code == 400
    assert server.post("/judgement", json=judgement(now)).status_code == 200


def test_names_of_all_scripts_are_names(folder: Path) -> None:
    server = client(folder)
    for given, kept in (("  Ann  Lee ", "Ann Lee"), ("O'Neil-2", "O'Neil-2"), ("山田", "山田")):
        assert task(server, given)["rater"] == kept


def test_only_raters_with_a_link_may_judge(folder: Path) -> None:
    server = client(folder, ("Ann",))
    assert server.get("/study").json()["open"] is False
    assert "number" in task(server, "Ann")
    assert server.get("/task", params={"rater": "Bob"}).status_code == 403


def test_the_page_needs_the_token_where_there_is_one(folder: Path) -> None:
    server = client(folder, token="t" * 20)
    for path in ("/", "/rate.js", "/study", "/task?rater=Ann", "/assets/style.css"):
        assert server.get(path).status_code == 403
    assert server.post("/judgement", json={}).status_code == 403
    assert server.get(f"/?rater=Ann&token={'t' * 20}").headers["location"] == "/?rater=Ann"
    assert "number" in task(server)


@pytest.mark.parametrize(
    "path", ["/..%2fpage.py", "/assets/..%2fserver.py", "/%2e%2e/study.json", "/__init__.py"]
)
def test_only_the_pages_own_files_are_served(folder: Path, path: str) -> None:
    server = client(folder)
    assert server.get(path).status_code == 404
    assert server.get("/").status_code == server.get("/assets/style.css").status_code == 200


def test_a_full_disk_is_told_and_the_judgement_can_be_sent_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    server = client(folder)
    first = task(server)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        answer = server.post("/judgement", json=judgement(first))
    assert answer.status_code == 507
    assert "No space left on device" in answer.text
    assert server.post("/judgement", json=judgement(first)).status_code == 200
    assert len(read_record(folder).judgements) == 1
