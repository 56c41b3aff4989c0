"""Renew the pictures of the documentation from a run: `python docs/screenshots.py runs/demo`.

Writes `docs/images/demo.png`, the overview of the run's figures, and `page-run.png`,
`page-society.png`, `page-interaction.png` and `page-answer.png`, views of the run's page. Needs
Chromium, and Playwright of the extra `test`; nothing is asked of a network.
"""

import shutil
import sys
from pathlib import Path

from PIL import Image

from social_sandbox.alignment.reporting.page.lines import read_json
from social_sandbox.alignment.reporting.page.write import write_page
from social_sandbox.envs.errors import UserError
from social_sandbox.envs.rules.interactions import Interaction, read_interactions
from social_sandbox.envs.text.jsonl import OBJECT, read_jsonl

WIDTH, HEIGHT = 1280, 800
"""Size of a view, in pixels."""
OVERVIEW_WIDTH = 1320
COLOURS = 128
"""Number of colours of a picture, which keeps the repository small."""


def main(folder: Path, images: Path) -> None:
    """Write all pictures.

    Args:
        folder: Output folder of a run.
        images: Folder of the pictures.

    Raises:
        UserError: The run lacks what a picture shows, or there is no browser.
    """
    names = ("chromium", "chromium-browser", "google-chrome")
    browser = next(filter(None, map(shutil.which, names)), None)
    if browser is None:
        raise UserError("no Chromium on this machine: apt-get install chromium")
    overview = folder / "figures" / "overview.png"
    if not overview.exists():
        raise UserError(f"{folder} has no figures: social-sandbox run output_dir={folder}")
    images.mkdir(parents=True, exist_ok=True)
    with Image.open(overview) as picture:
        height = round(picture.height * OVERVIEW_WIDTH / picture.width)
        _save(picture.convert("RGB").resize((OVERVIEW_WIDTH, height)), images / "demo.png")
    for name, view in _views(folder).items():
        _photograph(browser, f"{write_page([folder]).resolve().as_uri()}#/{view}", images / name)


def _views(folder: Path) -> dict[str, str]:
    """Return the address of each picture's view, without the beginning that all have."""
    key = write_page([folder]).parent.joinpath("data").glob("*/run.js")
    run = next(key).parent.name
    views = {"page-run.png": f"{run}/run", "page-society.png": f"{run}/society"}
    interactions = read_interactions(folder / "simulation" / "interactions.jsonl")
    best = max(interactions, key=_rise)
    views["page-interaction.png"] = f"{run}/interaction/{best.id}"
    answers = folder / "evaluation" / "answers.jsonl"
    if answers.exists() and read_json(folder / "evaluation" / "results.json"):
        gains = [
            (row["aligned"]["alignment"] or 0) - (row["base"]["alignment"] or 0)
            for row in read_jsonl(answers, OBJECT, "answers")
        ]
        views["page-answer.png"] = f"{run}/answer/{gains.index(max(gains))}"
    return views


def _rise(interaction: Interaction) -> float:
    """Return by how much feedback has raised the rating of an answer."""
    before, after = (interaction.rating("alignment", judged) for judged in ("draft", "revision"))
    return -1.0 if before is None or after is None else after - before


def _photograph(browser: str, address: str, target: Path) -> None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser)
        page = chromium.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        page.goto(address)
        page.wait_for_load_state("networkidle")
        # Figures are drawn after their data has been unpacked.
        page.wait_for_timeout(1_000)
        page.screenshot(path=target)
        chromium.close()
    with Image.open(target) as picture:
        _save(picture.convert("RGB"), target)


def _save(picture: Image.Image, target: Path) -> None:
    picture.quantize(COLOURS).save(target, optimize=True)
    print(target)


if __name__ == "__main__":
    try:
        main(
            Path(sys.argv[1] if len(sys.argv) > 1 else "runs/demo"),
            Path(sys.argv[2] if len(sys.argv) > 2 else "docs/images"),
        )
    except UserError as error:
        sys.exit(str(error))
