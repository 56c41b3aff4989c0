"""The whole job in seconds, with scripted players and a model that is made in the tests."""

import json
from collections.abc import Sequence
from pathlib import Path

import hydra
from omegaconf import DictConfig

from social_sandbox.alignment.stages.settings import Settings, read_settings

from .tiny import save_tiny_model

SOCIETY = (
    *("policy=scripted", "observer=scripted", "embedder=hashing", "progress=false"),
    *("n_worlds=1", "env.grid_size=2", "env.n_rounds=2"),
)
TRAINING = (
    *("method.max_steps=2", "method.batch_size=2", "method.logging_steps=1"),
    *("method.max_length=64", "method.device=cpu"),
)
EVALUATION = ("evaluate.max_new_tokens=4", "evaluate.samples=1", "evaluate.resamples=100")


def small_job(folder: Path) -> list[str]:
    """Return the overrides of the job, and write its model and held-out questions to a folder."""
    model = save_tiny_model(folder / "tiny")
    questions = folder / "held_out.jsonl"
    lines = (
        {"question": f"how are you {n} ?", "good": "i am fine thank you", "bad": "go away"}
        for n in range(3)
    )
    questions.write_text("".join(json.dumps(line) + "\n" for line in lines))
    own = (f"base_model={model}", f"evaluate.questions={questions}")
    return [*SOCIETY, *TRAINING, *EVALUATION, *own]


def composed(overrides: Sequence[str]) -> DictConfig:
    with hydra.initialize_config_module("social_sandbox.configs", version_base="1.3"):
        return hydra.compose("config", list(overrides))


def settings_of(overrides: Sequence[str]) -> Settings:
    return read_settings(composed(overrides))
