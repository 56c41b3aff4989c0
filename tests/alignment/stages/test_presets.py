"""The settings of Stable Alignment that the authors published, as they are composed."""

from typing import Any

import pytest
import torch

from social_sandbox.alignment.methods.stable_alignment import StableAlignment
from social_sandbox.alignment.training.loss.losses import stable_alignment
from tests.helpers.small_job import settings_of


@pytest.mark.parametrize(
    ("preset", "wanted"),
    [
        (
            "readme",
            {
                **{"margin": 10.0, "ratio": 0.2, "max_length": 360, "epochs": 7.0},
                **{"learning_rate": 2e-5, "schedule": "cosine", "warmup_ratio": 0.03},
                "candidates_per_group": 3,
            },
        ),
        ("model_card", {"margin": 1.0, "ratio": 0.2, "max_length": 480, "epochs": 2.0}),
        ("code", {"margin": 1.0, "ratio": 0.5, "max_length": 512}),
    ],
)
def test_a_preset_has_the_published_settings(preset: str, wanted: dict[str, Any]) -> None:
    method = settings_of([f"method=stable_alignment_{preset}"]).method
    assert isinstance(method, StableAlignment)
    assert {name: getattr(method.config, name) for name in wanted} == wanted
    assert not method.config.reproduce_reference_bug


def test_the_bug_of_the_authors_code_is_reproduced_by_a_setting() -> None:
    nll, rating = torch.tensor([2.0, 1.0, 1.5]), torch.tensor([3.0, 7.0, 1.0])
    group, valid = torch.zeros(3, dtype=torch.long), torch.ones(3, dtype=torch.bool)
    batch = {"rating": rating, "group": group, "n_groups": 1, "rating_scale": torch.full((3,), 7.0)}

    def by_setting(bug: bool) -> float:
        composed = settings_of(
            ["method=stable_alignment_readme", f"method.reproduce_reference_bug={bug}"]
        ).method
        assert isinstance(composed, StableAlignment)
        return composed.loss(nll, batch, valid).loss.item()

    def by_hand(bug: bool) -> float:
        own = {"margin": 10.0, "ratio": 0.2, "rating_scale": 7.0, "reference_bug": bug}
        return stable_alignment(nll, rating, group, 1, valid=valid, **own).loss.item()

    assert by_setting(True) == by_hand(True)
    assert by_setting(False) == by_hand(False)
    assert by_setting(True) != by_setting(False)
