"""The page of a run: how fast it is written, how large it is, and how soon it can be used."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np

from social_sandbox.envs.rules.interactions import (
    Answer,
    Feedback,
    Interaction,
    Observation,
    interaction_id,
    mean,
    write_interactions,
)
from social_sandbox.envs.rules.questions import society_questions
from social_sandbox.envs.rules.turns import ASPECTS, JUDGED, Tokens

from ..reporting.page.write import write_page
from .measure import Goal, Measurement, Missing, Row

SECTION = "page"
SIZES = {1_000: 1.0, 100_000: 3.0}
"""Numbers of interactions, and within how many seconds the page should be usable."""

LARGEST = 200.0
"""KiB of data for 100 interactions, prompts included."""

_GRID, _PEERS, _WORDS = 10, 3, 50
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_MEASURED = """
import sys
from time import perf_counter
from playwright.sync_api import sync_playwright

path, address = sys.argv[1:]
with sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path=path)
    page = browser.new_page()
    # Once before, so that the browser itself has started.
    page.goto("about:blank")
    start = perf_counter()
    page.goto(address)
    page.wait_for_selector("[role=grid] [role=row] >> nth=3", timeout=60000)
    page.keyboard.press("j")
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
    print(perf_counter() - start)
    browser.close()
"""


def measurements(quick: bool) -> list[Row]:
    """Measure pages of 1,000 and of 100,000 interactions; a quick run has the smaller one only."""
    rows: list[Row] = []
    for size, goal in list(SIZES.items())[: 1 if quick else None]:
        with TemporaryDirectory() as folder:
            rows += _of_size(Path(folder) / "run", size, goal)
    return rows


def big_run(folder: Path, interactions: int) -> Path:
    """Write a run of so many interactions without any model, and return its folder."""
    write_interactions(folder / "simulation" / "interactions.jsonl", _society(interactions))
    return folder


def _of_size(folder: Path, size: int, goal: float) -> Iterator[Row]:
    big_run(folder, size)
    start = perf_counter()
    index = write_page([folder])
    seconds = perf_counter() - start
    data = sum(file.stat().st_size for file in (index.parent / "data").rglob("*.js"))
    kib = data / 1024 / (size / 100)
    named = f"{size:,} interactions"
    yield Measurement(SECTION, f"written, {named}", size / seconds, "/s")
    yield Measurement(SECTION, f"size, {named}", kib, "KiB/100", Goal(LARGEST, at_least=False))
    name = f"usable, {named}"
    try:
        usable = _usable_after(index)
    except (OSError, subprocess.CalledProcessError) as error:
        why = getattr(error, "stderr", "") or str(error)
        yield Missing(SECTION, name, why.strip().split("\n")[-1])
        return
    yield Measurement(SECTION, name, usable, "s", Goal(goal, at_least=False))


def _usable_after(index: Path) -> float:
    """Return the seconds until the list of interactions answers to a key."""
    browser = next(filter(None, map(which, _BROWSERS)), None)
    if browser is None:
        raise FileNotFoundError("no Chromium on this machine")
    address = f"{index.as_uri()}#/run/interactions"
    command = [sys.executable, "-c", _MEASURED, browser, address]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout)


def _society(count: int) -> Iterator[Interaction]:
    """Yield interactions with random sentences of the length that a small model writes."""
    questions = society_questions()
    words = " ".join(question.good or "" for question in questions).split()
    draw = np.random.default_rng(0)
    agents = _GRID**2

    def text() -> str:
        return " ".join(words[place] for place in draw.integers(len(words), size=_WORDS))

    def rating() -> float:
        return round(float(draw.uniform(1, 7)), 4)

    tokens = Tokens(prompt=200, completion=64)
    for number in range(count):
        agent, round_ = number % agents, number // agents
        peers = [f"social_{peer}" for peer in draw.integers(agents, size=_PEERS)]
        feedback = tuple(
            Feedback(peer, rating(), text()[:120], "speaker", tokens, "", True) for peer in peers
        )
        question = questions[int(draw.integers(len(questions)))]
        yield Interaction(
            id=interaction_id("world_0", round_, f"social_{agent}"),
            world="world_0",
            seed=2**62,
            round=round_,
            agent=f"social_{agent}",
            position=divmod(agent, _GRID),
            view="good" if agent % 2 else "bad",
            question=question.text,
            kind=question.kind,
            draft=Answer(text(), "speaker", tokens, "", True),
            feedback=feedback,
            mean_rating=mean(given.rating for given in feedback),
            revision=Answer(text(), "speaker", tokens),
            observations=tuple(
                Observation("observer_0", judged, aspect, rating(), "", "value_model")
                for judged in JUDGED
                for aspect in ASPECTS
            ),
        )
