"""The experiment `reinforcement`: learning in the society beside learning from recordings."""

import json
from pathlib import Path

import pytest

from social_sandbox.alignment import cli
from social_sandbox.alignment.experiments.experiment import SCALES
from social_sandbox.alignment.experiments.paper import reinforcement
from social_sandbox.alignment.stages import compose_settings
from tests.helpers.small_job import small_job
from tests.helpers.tiny import save_tiny_model

pytest.importorskip("trl")
pytest.importorskip("peft")


@pytest.mark.parametrize("scale", SCALES)
def test_every_method_has_the_same_adapter_rate_and_tokens(scale: str) -> None:
    ways = {}
    for setting in reinforcement.EXPERIMENT.settings_at(scale, [900]):  # type: ignore[arg-type]
        own = ("experiment=reinforcement", f"scale={scale}", *setting.overrides)
        method = compose_settings(*own).method.config
        ways[setting.series] = (method.lora.rank, method.learning_rate, method.max_tokens)
    assert set(ways) == {"sft", "stable_alignment", "rlhf", "society_grpo"}
    assert set(ways.values()) == {(16, 1e-3, 900)}


@pytest.mark.slow
def test_a_tiny_society_makes_the_table_and_the_curves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    roomy = save_tiny_model(tmp_path / "roomy", 1024)
    left_out = ("observer=", "policy=", "n_worlds=", "base_model=", "method.max_length=")
    job = [o for o in small_job(tmp_path) if not o.startswith((*left_out, "method.batch_size="))]
    names = ",".join(f"{method}-{n}" for n in (300, 600) for method in ("sft", "society_grpo"))
    assert (
        cli.main(
            [
                *("reproduce", "reinforcement", f"settings=[{names}]", "values=[300,600]"),
                *("seeds=[0]", *job, f"base_model={roomy}"),
                *("method.max_length=512", "wandb=disabled", "output_dir=out"),
            ]
        )
        == 0
    )
    table = json.loads((tmp_path / "out/table.json").read_text())
    rows = {row["setting"]: row for row in table["rows"]}
    assert rows["society_grpo-600"]["baseline"] == "sft-600"
    assert rows["society_grpo-600"]["x"] == 600
    assert "generating" in rows["society_grpo-300"]["measures"]
    assert "generating" not in rows["sft-300"]["measures"]
    assert (tmp_path / "out/figure.png").exists()
