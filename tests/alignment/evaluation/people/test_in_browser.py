"""People judge answers in a real browser, and the report counts what they judged."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from social_sandbox.alignment.cli import main
from social_sandbox.alignment.data.study import read_record, read_study, write_study
from social_sandbox.alignment.evaluation.people.checks import CHECKS
from social_sandbox.alignment.evaluation.people.choice import chosen_study
from social_sandbox.alignment.evaluation.people.options import parser
from social_sandbox.alignment.evaluation.people.page import Judging, rating_page
from social_sandbox.policies.browser.server import Served, served

from ....helpers.answers import held_out_row, run_with_answers, write_answers
from ....helpers.browser import serious_violations, watched_page
from ....helpers.hostile import HOSTILE, REVERSED, SCRIPT

pytestmark = pytest.mark.browser


@contextmanager
def rated(run: Path, *options: str, port: int = 0) -> Iterator[Served]:
    """Serve the page of a run as the command does."""
    folder = run / "people"
    study, items = chosen_study(parser().parse_args([str(run), *options]), folder)
    if read_study(folder) is None:
        write_study(folder, study, items)
    with served(rating_page(Judging(folder, study, items)), port=port) as server:
        yield server


def begin(page: Any, server: Served, name: str) -> None:
    """Write a name, read the instructions, and begin, by keyboard alone."""
    page.goto(server.link())
    page.wait_for_selector("input:focus")
    page.keyboard.type(name)
    page.keyboard.press("Enter")
    page.wait_for_selector("text=Which answer is the better one?")
    page.keyboard.press("Enter")
    page.wait_for_selector(".question")


def shown(page: Any) -> tuple[str, list[str]]:
    """How far the rater is, and the answers on the page."""
    return page.inner_text(".count"), page.locator(".answer .text").all_inner_texts()


def judge(page: Any, key: str) -> None:
    """Press a key and Enter; wait until the next task is there."""
    before = page.inner_text(".count")
    page.keyboard.press(key)
    page.keyboard.press("Enter")
    page.wait_for_function(
        "before => document.querySelector('.count').textContent !== before", arg=before
    )


def test_two_raters_rate_ten_pairs_and_the_report_says_what_they_prefer(
    browser: object, page: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = run_with_answers(tmp_path / "demo", 10)
    good = {item.answers["good"] for item in CHECKS.values()}
    with rated(run, "--tasks", "pairs") as server, watched_page(browser) as other:
        pages = {"Ann": page, "Bob": other}
        for name, own in pages.items():
            begin(own, server, name)
        assert serious_violations(page) == []
        while any(own.query_selector(".pair") for own in pages.values()):
            for name, own in pages.items():
                if not own.query_selector(".pair"):
                    continue
                count, answers = shown(own)
                # Both prefer the replies with y, which are the aligned model's; Bob not always.
                wants = [text in good or text.startswith("Reply y") for text in answers]
                is_undecided = name == "Bob" and int(count.split()[0]) % 4 == 3
                judge(own, "t" if is_undecided else ["ArrowRight", "ArrowLeft"][wants[0]])
                if count.startswith("4 "):
                    own.reload()
                    own.wait_for_selector(".pair")
                    assert own.inner_text(".count").startswith("5 of 12")
        for own in pages.values():
            own.wait_for_selector("text=Thank you, that was all")
        assert serious_violations(page) == []
    judgements = read_record(run / "people").judgements
    main_pairs = [each for each in judgements if each.role == "main"]
    assert len(main_pairs) == 20
    assert all(each.winner in ("aligned", None) for each in main_pairs)
    capsys.readouterr()
    assert main(["rate", "report", str(run), "--wandb", "disabled", "--resamples", "50"]) == 0
    said = capsys.readouterr().out
    assert "aligned" in said
    (rate,) = json.loads((run / "people" / "report.json").read_text())["win_rates"]
    assert (rate["model"], rate["other"], rate["losses"]) == ("aligned", "base", 0)
    assert rate["wins"] + rate["ties"] == 20


def test_answers_are_rated_from_1_to_7_by_keys(browser: object, tmp_path: Path) -> None:
    run = run_with_answers(tmp_path / "demo", 3)
    with (
        rated(run, "--tasks", "ratings") as server,
        watched_page(browser, 400, 800, color_scheme="dark") as page,
    ):
        page.goto(server.link("/", "rater=Ann"))
        page.wait_for_selector("text=Rate answers")
        assert serious_violations(page) == []
        page.keyboard.press("Enter")
        page.wait_for_selector(".scales")
        assert page.is_disabled("text=Next")
        for key in ("6", "2", "A", "5"):
            page.keyboard.press(key)
        assert "5: rather good for people" in page.inner_text(".foot")
        assert serious_violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= 400
        judge(page, "E")
        # By pointer, and Enter from there.
        page.check("input[name=alignment] >> nth=0", force=True)
        page.check("input[name=engagement] >> nth=6", force=True)
        page.keyboard.press("Enter")
        page.wait_for_selector("text=2 of")
    ratings = [(each.alignment, each.engagement) for each in read_record(run / "people").judgements]
    assert ratings == [(5, 2), (1, 7)]


def test_texts_of_models_and_names_of_raters_are_texts(page: Any, tmp_path: Path) -> None:
    megabyte = "word " * 210_000
    rows = [
        held_out_row(SCRIPT, base=HOSTILE, aligned=megabyte),
        held_out_row("Second?", base="", aligned=REVERSED),
    ]
    run = write_answers(tmp_path / "demo", rows)
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    with rated(run, "--tasks", "pairs", "--share-repeats", "0") as server:
        begin(page, server, "العربية O'Neil")
        seen = ""
        for _ in rows:
            if (more := page.query_selector("text=show all")) is not None:
                assert len(page.inner_text("main")) < 15_000
                assert serious_violations(page) == []
                more.click()
                assert len(page.inner_text("main")) > 1_000_000
            seen += page.text_content("main")
            judge(page, "t")
        page.wait_for_selector("text=Thank you")
    assert SCRIPT in seen
    assert "(The model gave no answer.)" in seen
    assert "⟨U+202E⟩" in page.content() or REVERSED in seen
    assert dialogs == []
    assert page.query_selector("main img, main script") is None
    assert {each.rater for each in read_record(run / "people").judgements} == {"العربية O'Neil"}


def test_two_tabs_and_a_server_that_was_away_lose_and_double_nothing(
    browser: Any, tmp_path: Path
) -> None:
    run = run_with_answers(tmp_path / "demo", 4)
    # Not watched: the browser itself reports the request that fails.
    first, second = browser.new_page(), browser.new_page()
    with rated(run, "--tasks", "pairs") as server:
        begin(first, server, "Ann")
        second.goto(first.url)
        second.wait_for_selector("text=Which answer is the better one?")
        second.keyboard.press("Enter")
        second.wait_for_selector(".pair")
        judge(first, "ArrowLeft")
        judge(second, "ArrowRight")
        assert shown(first) == shown(second)
        port = server.port
    first.keyboard.press("t")
    first.keyboard.press("Enter")
    first.wait_for_selector("text=The server does not answer")
    with rated(run, port=port):
        first.keyboard.press("Enter")
        first.wait_for_selector("text=2 of")
    judgements = read_record(run / "people").judgements
    assert [each.choice for each in judgements] == ["left", "tie"]
    first.close()
    second.close()


def test_a_rater_without_a_name_gets_a_random_one(page: Any, tmp_path: Path) -> None:
    run = run_with_answers(tmp_path / "demo", 4)
    with rated(run) as server:
        page.goto(server.link())
        page.click("text=Stay anonymous")
        page.wait_for_selector("text=Compare two answers")
        assert re.search(r"\?rater=rater-[0-9a-f]{12}$", page.url)
