"""The warning that the contrast of a loss over groups hardly changes the model."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from social_sandbox.alignment.data.groups import RatedGroup
from social_sandbox.alignment.methods.rrhf import Rrhf, RrhfConfig
from social_sandbox.alignment.methods.sft import Sft, SftConfig
from social_sandbox.alignment.methods.stable_alignment import StableAlignment, StableAlignmentConfig
from social_sandbox.alignment.reporting.console import print_training
from social_sandbox.alignment.training.loss import contrast
from social_sandbox.alignment.training.method import Method
from social_sandbox.alignment.training.train import TrainingSummary, train
from tests.helpers.programs.stop_at import StopAt
from tests.helpers.tiny import rated, rated_groups, tiny_llama

SETTINGS: dict[str, Any] = {
    "device": "cpu",
    "bf16": False,
    "max_length": 64,
    "learning_rate": 1e-3,
    "max_steps": 6,
    "warmup_ratio": 0.0,
    "schedule": "constant",
    "logging_steps": 1,
}
# Candidates are contrasted, and the best-rated one is much the likeliest: the margin asks for
# nothing more.
SATISFIED: dict[str, Any] = {"margin": 0.0, "learning_rate": 3e-2, "stop_nll": None}
ALIKE = [rated(f"g{number}", ("i am fine", 4.0), ("go away", 4.0)) for number in range(12)]

Run = Callable[..., TrainingSummary]


def stable_alignment(**changes: Any) -> StableAlignment:
    return StableAlignment(StableAlignmentConfig(**{**SETTINGS, **changes}))


@pytest.fixture
def run(tokenizer: Any, tmp_path: Path) -> Run:
    """Return a function that trains the tiny model."""

    def train_tiny(
        method: Method, groups: list[RatedGroup] | None = None, **more: Any
    ) -> TrainingSummary:
        groups = rated_groups(12) if groups is None else groups
        model = tiny_llama(len(tokenizer))
        return train(model, tokenizer, groups, method, tmp_path, progress=False, **more)

    return train_tiny


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.message for r in caplog.records if r.name == contrast.__name__]


def test_an_inactive_contrast_is_warned_of_once_with_the_setting_to_change(
    run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    summary = run(stable_alignment(**SATISFIED, max_steps=12))
    (warning,) = warnings(caplog)
    assert "raise method.margin=0" in warning
    assert summary.contrast_inactive == warning
    assert summary.hinge_active is not None
    assert summary.hinge_active < 0.5
    assert all(isinstance(value, int | float) for row in summary.log for value in row.values())


def test_an_active_contrast_is_not_warned_of(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    summary = run(stable_alignment(margin=10.0))
    assert summary.hinge_active == pytest.approx(1.0)
    assert summary.contrast_inactive is None
    assert not warnings(caplog)


def test_data_without_differences_are_named_as_the_cause(
    run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    summary = run(stable_alignment(margin=10.0), ALIKE)
    (warning,) = warnings(caplog)
    assert "only 0% of the groups have responses with different ratings" in warning
    assert "env.questions_per_round" in warning
    assert summary.hinge_active == 0


@pytest.mark.parametrize(
    "method",
    [
        stable_alignment(**SATISFIED, ratio=0.0, max_steps=12),
        stable_alignment(**SATISFIED, candidates_per_group=1, max_steps=12),
        Rrhf(RrhfConfig(**SETTINGS, rank_weight=0.0)),
        Sft(SftConfig(**SETTINGS)),
    ],
    ids=["no weight", "one candidate", "RRHF without a weight", "SFT"],
)
def test_who_asks_for_no_contrast_is_not_warned(
    run: Run, caplog: pytest.LogCaptureFixture, method: Method
) -> None:
    assert run(method).contrast_inactive is None
    assert not warnings(caplog)


def test_rrhf_names_the_method_that_has_a_margin(
    run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    satisfied = {"learning_rate": 3e-2, "max_steps": 24, "stop_nll": None}
    run(Rrhf(RrhfConfig(**{**SETTINGS, **satisfied})))
    (warning,) = warnings(caplog)
    assert "method=stable_alignment has a margin" in warning


def test_a_run_that_ends_early_is_judged_by_the_steps_that_it_made(
    run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    summary = run(stable_alignment(max_steps=100, max_tokens=400), ALIKE)
    assert summary.steps < 50
    assert len(warnings(caplog)) == 1


def test_a_resumed_run_does_not_warn_again(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    method = stable_alignment(save_steps=1)
    with pytest.raises(KeyboardInterrupt):
        run(method, ALIKE, callbacks=[StopAt(5)])
    assert len(warnings(caplog)) == 1
    caplog.clear()
    summary = run(method, ALIKE)
    assert summary.steps == 6
    assert summary.contrast_inactive is not None
    assert not warnings(caplog)


def test_the_console_shows_how_active_the_contrast_was(run: Run) -> None:
    console = Console(record=True, width=80)
    print_training(console, dataclasses.asdict(run(stable_alignment(margin=10.0))))
    assert "contrast: active in 100% of its hinges" in console.export_text()
