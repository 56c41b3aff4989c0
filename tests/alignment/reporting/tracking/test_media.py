"""Media of a wandb run, read back from the file of an offline run."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("wandb")

from social_sandbox.alignment.evaluation.society import simulation_summary
from social_sandbox.alignment.reporting.tracking import media as wandb_media
from social_sandbox.alignment.reporting.tracking.config import WandbConfig
from social_sandbox.alignment.reporting.tracking.media import log_page, samples
from social_sandbox.alignment.reporting.tracking.rows import log_simulation
from social_sandbox.alignment.reporting.tracking.run import tracked
from social_sandbox.envs.rules.interactions import Answer
from tests.helpers.hostile import HOSTILE
from tests.helpers.societies import play, society
from tests.helpers.wandb_file import offline_runs


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("WANDB_")]:
        monkeypatch.delenv(name)
    return tmp_path


def test_each_round_has_its_grid_and_samples_and_the_page_is_an_artifact(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worlds = [society(grid_size=2, n_rounds=2, name=f"world_{n}", seed=n) for n in range(2)]
    interactions = [one for world in worlds for one in play(world).interactions]
    interactions[0] = replace(interactions[0], revision=Answer(HOSTILE))
    page = here / "page"
    (page / "data").mkdir(parents=True)
    (page / "index.html").write_text("<!doctype html>")
    (page / "data/index.js").write_text("receive()")
    with tracked(here / "out", WandbConfig(mode="offline"), {}, "run", "x") as run:
        log_simulation(run, interactions, simulation_summary(interactions))
        log_page(run, page)
        monkeypatch.setattr(wandb_media, "MOST_BYTES", 3)
        log_page(run, page)
    (sent,) = offline_runs(here / "out")
    rounds = [row for row in sent.rows if "env/round" in row]
    assert [row["env/round"] for row in rounds] == [0, 1]
    for row in rounds:
        assert row["env/grid"]["_type"] == "image-file"
        assert row["env/samples"]["_type"] == "html-file"
    media = list((here / "out/wandb").glob("offline-run-*/files/media/html/**/*.html"))
    assert len(media) == 2
    for file in media:
        text = file.read_text()
        assert "<script" not in text
        assert "<link" not in text
    (artifact,) = sent.artifacts
    assert (artifact.name, artifact.type) == ("page", "page")
    assert {entry.path for entry in artifact.manifest.contents} == {"index.html", "data/index.js"}


def test_the_samples_are_the_worst_and_the_best() -> None:
    interactions = play(society()).interactions
    rated = [one for one in interactions if one.rating("alignment", "revision") is not None]
    shown = samples(interactions)
    assert len(shown) == 4
    assert set(map(id, shown)) <= set(map(id, rated))
    unrated = [replace(one, observations=()) for one in interactions]
    assert samples(unrated) == unrated[:4]


def test_without_a_run_nothing_is_logged(tmp_path: Path) -> None:
    log_page(None, tmp_path / "nowhere")
