"""The way of a trained model back to a running server: adapters of the cycles of an online job."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from social_sandbox.envs.errors import UserError

from ..training.config import LoraConfig
from .settings import Settings, build

FOLDER = "adapters"
"""The folder of the job that holds an adapter of the base model for each cycle."""


def is_served(settings: Settings) -> bool:
    """Return whether the social agents are played by a model behind an API."""
    return "base_url" in settings.policy


def check_served(settings: Settings) -> None:
    """Raise UserError unless the model of the server can be trained here and handed back."""
    if settings.policy.get("adapter") is not None:
        raise UserError(
            "policy.adapter: online begins with the model as it is; train from base_model=ADAPTER, "
            "and serve the two merged"
        )
    _lora(settings)


def try_server(settings: Settings) -> None:
    """Hand an adapter without effect to each server, let it answer, and have it unloaded.

    The adapter is as large as that of the last cycle, so that a server without an endpoint, one
    with a smaller rank or another model, and one that does not see this folder are found before the
    first cycle.

    Raises:
        UserError: A server refuses; the message names the setting.
    """
    from social_sandbox.policies.huggingface.shared_model import check_model

    from ..training.weights.adapters import write_blank

    build(settings.policy, "policy").check()
    config = check_model(settings.base_model, "base_model", trained=True)
    lora = _lora(settings)
    folder = settings.output_dir / FOLDER / "trial"
    rank = lora.rank * settings.cycles
    write_blank(config, settings.base_model, lora, rank, folder)
    player = build({**settings.policy, "adapter": str(folder), "ratings": "text"}, "policy")
    try:
        player.check()
    finally:
        player.unload_adapter()
        shutil.rmtree(folder)


def policy_of_cycle(settings: Settings, cycle: int) -> Mapping[str, Any]:
    """Return the recipe of the policy that plays a cycle: the server's model or an adapter."""
    if cycle == 0:
        return settings.policy
    return {**settings.policy, "adapter": str(_folder(settings, cycle - 1))}


def write_adapter(settings: Settings, cycle: int) -> Path:
    """Write what the cycles up to this one have learnt, as one adapter of the base model."""
    from ..training.weights.adapters import write_sum

    trained = [
        settings.output_dir / f"cycle_{number}" / "alignment" / "adapter"
        for number in range(cycle + 1)
    ]
    folder = _folder(settings, cycle)
    write_sum(trained, folder, settings.base_model)
    return folder


def _folder(settings: Settings, cycle: int) -> Path:
    return settings.output_dir / FOLDER / f"cycle_{cycle}"


def _lora(settings: Settings) -> LoraConfig:
    lora: LoraConfig | None = settings.method.config.lora
    if lora is None:
        raise UserError(
            "method.lora: a server is handed adapters; train one with 'method.lora={rank: 16}'"
        )
    return lora
