"""A model is measured once, whoever asks."""

from pathlib import Path

from social_sandbox.alignment.evaluation.cache import FOLDER, measured_once
from social_sandbox.alignment.evaluation.held_out import HeldOutResults


def one(answer: str) -> HeldOutResults:
    return HeldOutResults(
        [[answer]], {"alignment": [[5.0]], "engagement": [[None]]}, [0.5], [-0.25]
    )  # type: ignore[dict-item]


def test_what_is_known_is_not_measured_again(tmp_path: Path) -> None:
    made_with = {"model": "smollm2", "questions": None}
    first = measured_once(tmp_path, made_with, lambda: one("well"))
    assert measured_once(tmp_path, made_with, lambda: one("other")) == first == one("well")


def test_another_setting_is_another_measurement(tmp_path: Path) -> None:
    measured_once(tmp_path, {"model": "smollm2"}, lambda: one("well"))
    assert measured_once(tmp_path, {"model": "else"}, lambda: one("other")) == one("other")


def test_a_damaged_file_is_measured_anew(tmp_path: Path) -> None:
    measured_once(tmp_path, {"model": "smollm2"}, lambda: one("well"))
    (file,) = (tmp_path / FOLDER).iterdir()
    file.write_text("{")
    assert measured_once(tmp_path, {"model": "smollm2"}, lambda: one("again")) == one("again")
    assert measured_once(tmp_path, {"model": "smollm2"}, lambda: one("else")) == one("again")
