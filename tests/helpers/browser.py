"""A real browser: Debian's Chromium, driven by Playwright."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest

LOCAL = {"127.0.0.1", "localhost", ""}


def chromium() -> str | None:
    """Return the path of the installed Chromium, or None."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next(filter(None, map(shutil.which, names)), None)


@contextmanager
def started_browser() -> Iterator[object]:
    """Start Chromium; skip the test where there is none."""
    path = chromium()
    if path is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path)
        yield browser
        browser.close()


@contextmanager
def watched_page(browser, width: int = 1280, height: int = 800, **options) -> Iterator[object]:
    """Open an empty page; fail if it wrote an error to the console or asked another machine."""
    context = browser.new_context(viewport={"width": width, "height": height}, **options)
    context.set_default_timeout(10_000)
    page = context.new_page()
    problems: list[str] = []

    def note_message(message) -> None:
        if message.type == "error":
            problems.append(message.text)

    def note_request(request) -> None:
        url = urlsplit(request.url)
        if url.scheme not in {"data", "blob"} and (url.hostname or "") not in LOCAL:
            problems.append(f"asked for {request.url}")

    page.on("console", note_message)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", note_request)
    try:
        yield page
    finally:
        context.close()
    assert not problems


def serious_violations(page) -> list[str]:
    """Return what axe-core finds serious or critical on the page."""
    # Without `preload`, axe asks for no style sheet anew, which the pages forbid.
    from axe_playwright_python.sync_playwright import Axe

    violations = (
        Axe()
        .run(page, options={"preload": False, "resultTypes": ["violations"]})
        .response["violations"]
    )
    return [
        f"{violation['id']}: {violation['nodes'][0]['html'][:200]}"
        for violation in violations
        if violation["impact"] in ("serious", "critical")
    ]
