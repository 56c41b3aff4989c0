"""Figures, the run, the society, the answers and runs side by side, in a browser."""

import csv
import io
import xml.etree.ElementTree as xml
from pathlib import Path

import pytest

from social_sandbox.alignment.reporting.page.scripts import DataFolder

from ....helpers.browser import serious_violations, watched_page
from ....helpers.hostile import FORBIDDEN
from .pictured import BARS, FIGURES, LINE, MANY, many_answers, write_pictured_page

pytestmark = pytest.mark.browser
MINUS, NONE = "\N{MINUS SIGN}", "\N{EN DASH}"
VIEWS = (
    "first",
    "first/society",
    "first/society?by=view",
    "first/training",
    "first/answers",
    "first/answer/1",
    "compare?question=1",
)


@pytest.fixture(scope="module")
def index(tmp_path_factory) -> str:
    return write_pictured_page(tmp_path_factory.mktemp("pictured"))


@pytest.fixture(scope="module")
def page(browser):
    """Share one page: to start the application anew for each test takes longer than the tests."""
    with watched_page(browser) as shared:
        yield shared


@pytest.fixture(scope="module")
def narrow(browser):
    with watched_page(browser, width=400) as shared:
        yield shared


def opened(page, index: str, route: str):
    """Open a view and wait until its heading is there."""
    if page.url.startswith(index):
        page.mouse.move(0, 0)
        page.evaluate("location.hash = '#/first/data'")
        page.wait_for_selector("main h1:has-text('data')")
        page.evaluate("route => { location.hash = `#/${route}` }", route)
        page.wait_for_selector("main h1:not(:has-text('data'))")
    else:
        page.goto(f"{index}#/{route}")
        page.wait_for_selector("main h1")
    return page


def drawing(page, identity: str):
    """Return the drawing of a figure, once its picture is there."""
    found = page.locator(f"#figure-{identity} .drawing")
    found.locator("svg >> nth=0").wait_for(state="attached")
    return found


def saved(page, label: str) -> str:
    """Press a button that saves a file, and return the file's text."""
    with page.expect_download() as download:
        page.get_by_label(label).click()
    return Path(download.value.path()).read_text("utf-8")


def cells(page) -> list[str]:
    return page.locator("[role=grid] a.cell").all_inner_texts()


def cell(page, row: int, column: int):
    return page.locator(f"[data-place='{row},{column}']")


# Figures


def test_the_pointer_reads_the_numbers_of_all_series_with_their_intervals(page, index) -> None:
    box = drawing(opened(page, index, "first"), "ratings")
    width = box.bounding_box()["width"]
    box.hover(position={"x": width * 0.66, "y": 80})
    text = page.locator(".readout").inner_text()
    assert "round 2" in text
    assert "5.25 (5 to 5.50)" in text
    assert "revision" in text


def test_arrow_keys_read_the_numbers_and_say_them(page, index) -> None:
    drawing(opened(page, index, "first"), "ratings").focus()
    page.keyboard.press("End")
    spoken = page.locator("#figure-ratings [aria-live]").inner_text()
    assert spoken == "round 3: draft 5.50 (5 to 6); revision 5.38"
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert "draft no value" in page.locator("#figure-ratings [aria-live]").inner_text()
    page.keyboard.press("Escape")
    assert page.locator(".readout").count() == 0


def test_the_numbers_are_a_table_too(page, index) -> None:
    opened(page, index, "first")
    page.locator("#figure-ratings summary").click()
    table = page.locator("#figure-ratings table")
    table.wait_for()
    assert table.locator("tr").count() == 9
    assert "4 3.50 to 4.50" in " ".join(table.inner_text().split())


def test_a_null_is_a_gap_in_the_line(page, index) -> None:
    paths = drawing(opened(page, index, "first"), "ratings").locator("[aria-label=line] path")
    assert paths.first.get_attribute("d").count("M") == 2


def test_a_csv_file_has_every_number(page, index) -> None:
    opened(page, index, "first")
    lines = list(csv.reader(io.StringIO(saved(page, f"Download as CSV: {LINE.title}"))))
    assert lines[0] == ["series", "round", "mean rating, 1 to 7", "low", "high"]
    assert lines[2] == ["draft", "1", "", "", ""]
    assert lines[3] == ["draft", "2", "5.25", "5", "5.5"]
    assert len(lines) == 9


@pytest.mark.parametrize("figure", FIGURES[:4], ids=lambda one: one.kind)
def test_an_svg_file_stands_on_its_own_on_white(page, index, figure) -> None:
    page.emulate_media(color_scheme="dark")
    drawing(opened(page, index, "first"), figure.id)
    text = saved(page, f"Download as SVG: {figure.title}")
    tree = xml.fromstring(text)
    words = [element.text for element in tree.iter() if element.tag.endswith("}text")]
    assert "var(" not in text
    assert "currentcolor" not in text.lower()
    assert "<script" not in text
    assert 'fill="#ffffff"' in text
    assert not set(FORBIDDEN) & set(text)
    assert figure.title in words
    assert {figure.x_label, figure.y_label} <= set(words)
    assert len(figure.series) == 1 or {series.name for series in figure.series} <= set(words)


def test_a_figure_without_numbers_says_so(page, index) -> None:
    opened(page, index, "first")
    assert page.locator("#figure-empty").inner_text().split("\n")[-1] == "No numbers yet."


OVERLAPS = """() => {
  const problems = [];
  for (const axis of document.querySelectorAll("[aria-label$='axis tick label']")) {
    const boxes = [...axis.querySelectorAll("text")].map((one) => one.getBoundingClientRect());
    boxes.forEach((one, place) => boxes.slice(place + 1).forEach((other) => {
      if (one.left < other.right && other.left < one.right
        && one.top < other.bottom && other.top < one.bottom)
        problems.push(axis.textContent);
    }));
  }
  return problems;
}"""


@pytest.mark.parametrize("width", [1280, 700, 400])
def test_tick_labels_never_overlap(browser, index, width) -> None:
    with watched_page(browser, width=width) as page:
        for figure in (LINE, BARS):
            drawing(opened(page, index, "first"), figure.id)
        assert page.evaluate(OVERLAPS) == []


# The run


def test_results_are_judged_in_words(page, index) -> None:
    opened(page, index, "first")
    assert page.locator(".headline").all_inner_texts() != []
    words = [" ".join(one.split()) for one in page.locator(".headline").all_inner_texts()]
    assert "+0.50 points of 7" in words[0]
    assert "+0.40 to +0.60" in words[0]
    assert words[0].endswith("▲ better")
    assert words[1].endswith("unclear: the interval includes 0")
    assert words[2].endswith("▼ worse")
    assert words[3].endswith("not measured")
    assert words[4].startswith("moved to good 0.41 share")
    assert words[4].endswith("unclear: the interval includes 0.50")


def test_a_sign_of_health_leads_to_the_interactions_that_it_counts(page, index) -> None:
    opened(page, index, "first")
    page.locator(".health a").first.click()
    page.wait_for_url("**#/first/interactions?cut_off=1")


def test_a_note_from_a_file_is_text_alone(page, index) -> None:
    opened(page, index, "first")
    assert "<script>" in page.locator(".notes").inner_text()


# The society


def test_the_slider_changes_the_grid_and_the_address(page, index) -> None:
    opened(page, index, "first/society?round=0")
    before = cells(page)
    page.get_by_role("slider").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_url("**round=1*")
    after = cells(page)
    assert len(before) == len(after) == 9
    assert before != after
    page.reload()
    page.wait_for_selector("[role=grid]")
    assert cells(page) == after


def test_the_rounds_play_to_their_end(page, index) -> None:
    opened(page, index, "first/society?round=1")
    page.get_by_label("Play the rounds").click()
    page.wait_for_url("**round=2*")


def test_lines_run_from_the_raters_to_the_cell_under_the_pointer(page, index) -> None:
    opened(page, index, "first/society?round=1")
    cell(page, 1, 1).hover()
    assert page.locator(".rating-line.received").count() == 2
    ratings = page.locator(".rating-line.received text").all_text_contents()
    said = " ".join(page.locator(".chosen-agent").inner_text().split())
    assert "social_4" in said
    assert all(rating in said for rating in ratings)


def test_the_grid_is_used_by_keyboard_alone(page, index) -> None:
    opened(page, index, "first/society?round=1")
    cell(page, 0, 0).focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.dataset.place") == "1,1"
    assert page.locator(".rating-line").count() >= 2
    page.keyboard.press("Enter")
    page.wait_for_url("**#/first/interaction/world_0/1/social_4")


@pytest.mark.parametrize(
    "measure", ["alignment", "engagement", "rating", "rise", "norm-brief", "view"]
)
def test_a_cell_shows_what_the_colours_stand_for_as_text(page, index, measure) -> None:
    opened(page, index, f"first/society?round=1&by={measure}")
    texts = set(cells(page))
    if measure == "view":
        assert texts <= {"good", "bad"}
    else:
        assert all(text == NONE or float(text.replace(MINUS, "-")) <= 7 for text in texts)


def test_the_matrix_says_who_rated_whom(page, index) -> None:
    opened(page, index, "first/society")
    page.locator("canvas.matrix").focus()
    page.keyboard.press("ArrowRight")
    assert page.locator(".matrix-words").inner_text() == "social_0 never rated social_0."
    page.keyboard.press("ArrowRight")
    assert page.locator(".matrix-words").inner_text().startswith("social_0 ")


def test_a_curve_leads_to_the_history_of_its_agent(page, index) -> None:
    opened(page, index, "first/society")
    page.get_by_role("link", name="social_3", exact=True).click()
    page.wait_for_url("**#/first/interactions?world=world_0&agent=social_3*")


# Answers


def test_answers_that_got_worse_are_found(page, index) -> None:
    opened(page, index, "first/answers")
    page.get_by_role("combobox", name="show").select_option("worse")
    page.wait_for_url("**change=worse*")
    words = [" ".join(one.split()) for one in page.locator(".answer-line").all_inner_texts()]
    assert len(words) == 2
    assert f"worse {MINUS}0.75" in words[0]
    assert f"worse {MINUS}2.00" in words[1]
    page.get_by_role("combobox", name="sorted by").select_option("-change")
    page.wait_for_url("**sort=-change*")
    assert f"worse {MINUS}2.00" in page.locator(".answer-line").first.inner_text()


def test_answers_are_walked_through_by_keyboard(page, index) -> None:
    opened(page, index, "first/answers")
    page.wait_for_selector(".answer-line")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**#/first/answer/1*")
    page.wait_for_selector(".answer")
    assert f"worse {MINUS}0.75" in page.locator(".answer").nth(1).inner_text()
    page.wait_for_timeout(200)
    page.keyboard.press("ArrowRight")
    page.wait_for_url("**#/first/answer/2*")


def test_an_answer_leads_to_the_same_question_in_the_society(page, index) -> None:
    opened(page, index, "first/answer/1")
    related = page.locator(".answer-related li").first
    assert "the same question" in related.inner_text()
    related.locator("a").click()
    page.wait_for_url("**#/first/interaction/world_0/**")


def test_words_that_differ_are_marked(page, index) -> None:
    opened(page, index, "first/answer/1")
    page.get_by_label("mark words that differ").check()
    assert page.locator("ins").all_inner_texts() == ["Aligned"]


def test_very_many_answers_are_filtered_at_once(page, tmp_path) -> None:
    index = write_pictured_page(tmp_path)
    data = DataFolder(tmp_path / "page" / "data")
    data.write("first/answer_table", many_answers())
    opened(page, index, "first/answers")
    page.get_by_role("searchbox").fill("question 11999 ")
    page.wait_for_selector(f"text=1 of {MANY:,}", timeout=1000)
    page.get_by_role("searchbox").fill("")
    page.get_by_role("combobox", name="show").select_option("better")
    page.wait_for_selector("text=page 1 of", timeout=1000)
    page.get_by_role("button", name="Next").click()
    page.wait_for_url("**page=2*")


# Runs side by side


def test_runs_side_by_side_show_what_differs(page, index) -> None:
    opened(page, index, "compare")
    settings = page.get_by_role("region", name="Settings that differ between the runs").inner_text()
    assert "0.0001" in settings
    assert "0.0003" in settings
    assert "env.grid_size" not in settings
    results = page.get_by_role("region", name="Results").inner_text()
    assert "(better)" in results
    assert "(worse)" in results
    assert page.locator("#figure-ratings-0 .legend").inner_text().split("\n") == [
        "first run",
        "second run",
    ]


def test_the_same_question_is_shown_in_each_run(page, index) -> None:
    opened(page, index, "compare")
    page.get_by_role("combobox", name="question").select_option("2")
    page.wait_for_url("**question=2*")
    assert page.locator(".same-question").count() == 2
    assert "asked" in page.locator(".same-question").nth(1).inner_text()


# Every view


@pytest.mark.parametrize("route", VIEWS)
def test_axe_finds_nothing_serious_and_nothing_is_too_wide(narrow, index, route) -> None:
    opened(narrow, index, route)
    narrow.wait_for_timeout(100)
    assert narrow.evaluate("document.documentElement.scrollWidth") <= 400
    for scheme in ("light", "dark"):
        narrow.emulate_media(color_scheme=scheme)
        assert serious_violations(narrow) == []
