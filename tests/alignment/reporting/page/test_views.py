"""The page of a run in a browser, opened from disk: the list, an interaction, the training data."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from social_sandbox.alignment.reporting.page.records import Index, RunName
from social_sandbox.alignment.reporting.page.scripts import script
from social_sandbox.alignment.reporting.page.write import write_page

from ....helpers.browser import serious_violations, watched_page
from ....helpers.hostile import HOSTILE
from ....helpers.runs import interactions, with_texts, write_run

pytestmark = pytest.mark.browser
VIEWS = ("interactions?search=kindness", "interaction/world_0/1/social_3", "data", "group/4")

LOOSE_CONTROLS = """() => {
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const loose = [];
  while (texts.nextNode()) {
    const { data, parentElement } = texts.currentNode;
    if (/[\\u202e\\x1b]/.test(data) && !parentElement.closest("bdi.sign")) loose.push(data);
  }
  return loose;
}"""
"""Returns the texts of a page in which a control character stands without its sign."""


KEY_AT_ONCE = """([address, text, key]) => {
  const watch = new MutationObserver(() => {
    if (!document.body.textContent.includes(text)) return;
    watch.disconnect();
    document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  });
  watch.observe(document.body, { childList: true, subtree: true });
  location.hash = address;
}"""
"""Goes to an address, and presses a key as soon as a text is in the document, before it is seen."""


@pytest.fixture(scope="module")
def index(tmp_path_factory) -> str:
    """Write the page of a small run, and return its address."""
    folder = write_run(tmp_path_factory.mktemp("runs") / "small")
    return write_page([folder]).as_uri()


@pytest.fixture(scope="module")
def hostile_index(tmp_path_factory) -> str:
    """Write the page of a run in which every text tries to be more than text."""
    text = f"{HOSTILE}\n<script>window.owned = 1</script><svg onload='window.owned = 1'>"
    finished = [with_texts(one, text) for one in interactions(rounds=1)]
    folder = write_run(tmp_path_factory.mktemp("runs") / "hostile", finished)
    return write_page([folder]).as_uri()


def rows(page) -> list[str]:
    """Return the texts of the rows of the list."""
    return page.locator(".listing-body [role=row]").all_inner_texts()


def count(page) -> str:
    """Return what the page says about the number of results."""
    return page.locator("[role=status]").first.inner_text()


def test_the_page_opens_from_disk_with_all_interactions(page, index) -> None:
    page.goto(f"{index}#/small/interactions")
    page.wait_for_selector("[role=grid]")
    assert count(page) == "27 of 27"
    assert page.title() == "Interactions · small · social sandbox"


def test_a_deep_link_survives_a_reload_and_the_browser_goes_back(page, index) -> None:
    page.goto(f"{index}#/small/interactions?round=2&agent=social_3&sort=-rise")
    page.wait_for_selector("text=1 of 27")
    page.reload()
    page.wait_for_selector("text=1 of 27")
    assert page.get_by_label("Round", exact=True).input_value() == "2"
    page.locator(".listing-body [role=row]").click()
    page.wait_for_selector("article h1")
    assert "#/small/interaction/world_0/2/social_3?round=2&agent=social_3" in page.url
    page.go_back()
    page.wait_for_selector("text=1 of 27")
    page.go_forward()
    page.wait_for_selector("article h1")


def test_each_filter_is_a_part_of_the_address(page, index) -> None:
    page.goto(f"{index}#/small/interactions")
    page.get_by_label("Round", exact=True).select_option("1")
    page.wait_for_selector("text=9 of 27")
    page.get_by_label("Cut off", exact=True).select_option("1")
    page.wait_for_url("**/*cut_off=1*")
    assert "round=1" in page.url
    page.get_by_role("button", name="Clear filters").click()
    page.wait_for_selector("text=27 of 27")
    assert page.url.endswith("#/small/interactions")


def alignment(one, judged: str) -> float:
    """Return a rating of the alignment; a missing one is in no range."""
    rating = one.rating("alignment", judged)
    return float("nan") if rating is None else rating


def rise(one) -> float:
    """Return how much better the revision's alignment is than the draft's."""
    return alignment(one, "revision") - alignment(one, "draft")


FILTERS = {
    "agent=social_3": lambda one: one.agent == "social_3",
    "peer=social_3": lambda one: any(given.peer == "social_3" for given in one.feedback),
    "kind=daily&view=bad": lambda one: one.view == "bad",
    "low=4&high=6": lambda one: 4 <= alignment(one, "revision") <= 6,
    "rating=before&low=5": lambda one: alignment(one, "draft") >= 5,
    "rise=better": lambda one: rise(one) > 0,
    "rise=worse": lambda one: rise(one) < 0,
    "missing=1": lambda one: any(
        given.rating is None for given in (*one.feedback, *one.observations)
    ),
    "cut_off=draft": lambda one: one.draft.cut_off,
    "same=1": lambda one: one.draft.text == one.revision.text,
}


def test_filters_keep_what_the_records_say(page, index) -> None:
    finished = interactions()
    for query, keeps in FILTERS.items():
        page.goto(f"{index}#/small/interactions?{query}")
        expected = sum(map(keeps, finished))
        page.wait_for_selector(f"text=/^{expected} of 27$/")


@pytest.mark.parametrize("column", ["Round", "Agent", "After", "Rise"])
def test_every_column_sorts_the_list_in_both_directions(page, index, column: str) -> None:
    page.goto(f"{index}#/small/interactions")
    button = page.locator("[role=columnheader]", has_text=column).get_by_role("button")
    button.click()
    page.wait_for_selector("[aria-sort=ascending]")
    ascending = page.locator(f".listing-body .field.{column.lower()}").all_inner_texts()
    button.click()
    page.wait_for_selector("[aria-sort=descending]")
    descending = page.locator(f".listing-body .field.{column.lower()}").all_inner_texts()
    assert ascending[0] != descending[0]


def test_the_search_finds_words_that_no_column_holds(page, index) -> None:
    page.goto(f"{index}#/small/interactions")
    page.keyboard.press("/")
    page.keyboard.type('"kindness costs nothing"')
    page.wait_for_selector("text=27 of 27")
    page.get_by_label("Search all texts").fill("because reason")
    page.wait_for_url("**/*search=because*")
    page.wait_for_selector("mark")
    page.get_by_label("Search all texts").fill("nobody ever said this")
    page.wait_for_selector("text=No interaction passes these filters.")
    assert count(page) == "0 of 27"


def test_the_keyboard_alone_reads_an_interaction_and_comes_back(page, index) -> None:
    page.goto(f"{index}#/small")
    page.wait_for_selector("main h1")
    page.keyboard.press("g")
    page.keyboard.press("i")
    page.wait_for_selector("[role=grid]")
    page.keyboard.press("j")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("k")
    page.keyboard.press("j")
    assert page.locator("[role=row][aria-selected=true]").get_attribute("aria-rowindex") == "3"
    page.keyboard.press("Enter")
    page.wait_for_selector("text=2 of 27")
    page.keyboard.press("j")
    page.wait_for_selector("text=3 of 27")
    page.keyboard.press("Escape")
    page.wait_for_selector("[role=grid]")
    assert page.locator("[role=row][aria-selected=true]").get_attribute("aria-rowindex") == "4"
    page.keyboard.press("?")
    assert "Next row" in page.locator("dialog").inner_text()
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog", state="detached")
    page.keyboard.press("Home")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement !== document.body")


def test_a_key_counts_from_the_moment_at_which_a_view_is_there(page, index) -> None:
    page.goto(f"{index}#/small/interactions")
    page.wait_for_selector("[role=grid]")
    page.evaluate(KEY_AT_ONCE, ["#/small/interaction/world_0/0/social_1", "2 of 27", "j"])
    page.wait_for_selector("text=3 of 27")


def test_the_revision_shows_the_words_that_changed(page, index) -> None:
    page.goto(f"{index}#/small/interaction/world_0/1/social_3")
    page.wait_for_selector("#revision")
    revision = page.locator("section", has=page.locator("#revision"))
    assert "Well," in revision.locator("del").all_inner_texts()[0]
    assert "Kindness costs nothing." in " ".join(revision.locator("ins").all_inner_texts())
    revision.get_by_role("button", name="Plain").click()
    assert revision.locator("ins, del").count() == 0
    revision.get_by_role("button", name="Side by side").click()
    assert revision.locator(".beside .text").count() == 2


def test_clicks_alone_lead_from_the_grid_to_the_data_and_to_the_aligned_answer(page, index) -> None:
    page.goto(f"{index}#/small/society")
    page.locator("[role=grid] a").nth(4).click()
    page.wait_for_url("**/*#/small/interaction/world_0/2/social_4*")
    page.locator("section", has=page.locator("#became")).get_by_role("link").first.click()
    page.wait_for_selector(".candidates li")
    ratings = page.locator(".candidates .rating").all_inner_texts()
    assert ratings == sorted(ratings, reverse=True)
    assert page.locator(".candidates").get_by_role("link").count() == 2
    page.locator("section", has=page.locator("#answered")).get_by_role("link").first.click()
    page.wait_for_selector("text=The aligned model says hello.")


def test_a_question_leads_to_the_same_question_in_another_run(page, tmp_path) -> None:
    folders = [write_run(tmp_path / name) for name in ("first", "second")]
    page.goto(f"{write_page(folders).as_uri()}#/first/interaction/world_0/1/social_3")
    page.locator("section", has=page.locator("#elsewhere")).get_by_role("link").click()
    page.wait_for_url("**/*#/second/interactions?question=*")
    page.get_by_label("Run", exact=True).select_option("first")
    page.wait_for_url("**/*#/first/interactions")


def test_texts_of_models_stay_texts(page, hostile_index) -> None:
    page.on("dialog", lambda dialog: pytest.fail(dialog.message))
    page.goto(f"{hostile_index}#/hostile/interactions")
    page.wait_for_selector("[role=grid]")
    page.locator(".listing-body [role=row]").first.click()
    page.wait_for_selector("#draft")
    draft = page.locator("section", has=page.locator("#draft")).locator(".text")
    assert "<svg onload='window.owned = 1'>" in draft.inner_text()
    said = interactions(rounds=1)[0]
    assert draft.text_content().startswith(HOSTILE[:20]), said.id
    assert "\u202e" in draft.text_content()
    assert draft.locator(".sign", has_text="\u202e").get_attribute("data-sign") == "⟨U+202E⟩"
    for view in ("interactions", "interaction/world_0/0/social_3", "data", "group/4", "society"):
        page.goto(f"{hostile_index}#/hostile/{view}")
        page.wait_for_selector("main h1")
        assert page.locator("main script, main img, main [onload]").count() == 0
        assert page.evaluate(LOOSE_CONTROLS) == [], view
    assert page.evaluate("window.owned") is None


def test_a_text_of_a_million_characters_is_shown_short_and_whole(page, tmp_path) -> None:
    long = ("long words " * 100_000)[:1_000_000]
    one = interactions(rounds=1)[0]
    finished = [replace(one, draft=replace(one.draft, text=long))]
    page.goto(f"{write_page([write_run(tmp_path / 'long', finished)]).as_uri()}#/long/interactions")
    page.locator(".listing-body [role=row]").click()
    draft = page.locator("section", has=page.locator("#draft"))
    assert len(draft.locator(".text").text_content()) < 10_000
    draft.get_by_role("button", name="show all (1.0 MB)").click()
    assert draft.locator(".text").text_content() == long


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 400)])
def test_every_view_is_accessible_and_fits(browser, index, scheme: str, width: int) -> None:
    with watched_page(browser, width=width, color_scheme=scheme) as page:
        for view in VIEWS:
            page.goto(f"{index}#/small/{view}")
            page.wait_for_selector(".listing, article")
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), view
            assert serious_violations(page) == [], view


def test_a_missing_chunk_is_a_sentence_in_the_view(browser, tmp_path) -> None:
    index = write_page([write_run(tmp_path / "small")])
    chunk = index.parent / "data" / "small" / "interactions" / "00000.js"
    for broken, words in ((None, "is missing"), ('receive("small/interactions/00000", "x")', "is")):
        chunk.unlink() if broken is None else chunk.write_text(broken)
        context = browser.new_context()
        page = context.new_page()
        page.goto(f"{index.as_uri()}#/small/interaction/world_0/0/social_0")
        assert words in page.locator("[role=alert]").inner_text()
        assert page.get_by_role("link", name="All interactions").is_visible()
        context.close()


def test_the_page_follows_a_run_that_goes_on(page, tmp_path) -> None:
    finished = interactions()
    folder = write_run(tmp_path / "small", finished[:9])
    index = write_page([folder])
    following(index, "first")
    page.goto(f"{index.as_uri()}#/small/interactions")
    page.wait_for_selector("text=9 of 9")
    assert page.locator(".live").inner_text() == "live"
    page.keyboard.press("j")
    shutil.rmtree(folder / "simulation")
    shutil.rmtree(folder / "data")
    shutil.rmtree(folder / "evaluation")
    write_run(folder, finished)
    write_page([folder])
    following(index, "second")
    page.wait_for_selector("text=27 of 27")
    assert page.locator("[role=row][aria-selected=true]").get_attribute("aria-rowindex") == "2"


def following(index: Path, stamp: str) -> None:
    """Say in the index of a page that a process goes on writing."""
    names = [RunName("small", "small")]
    content = script("index", Index(1, names, following=True, stamp=stamp))
    (index.parent / "data" / "index.js").write_bytes(content)
