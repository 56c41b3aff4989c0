"""A script that makes a dataclass or a policy itself has the defaults of the command line."""

import inspect
from importlib.resources import files
from typing import Any, cast

import hydra
import pytest
from hydra.utils import get_object
from omegaconf import OmegaConf

from social_sandbox.alignment.methods import METHODS, config_class, find_method
from social_sandbox.alignment.reporting.tracking.config import WandbConfig
from social_sandbox.alignment.stages.settings import SECTIONS
from tests.helpers.small_job import settings_of

CONFIGS = files("social_sandbox.configs")
OF_SCRIPTS = {"setting", "chat_template"}
"""Parameters that the command line does not set: how an error names the model, and the template of
a policy, which follows from the setting `chat_template` where a model is measured."""


def recipes() -> list[tuple[str, str]]:
    """Every recipe of a policy, an observer or an embedder that names its class."""
    return [
        (group, file.name.removesuffix(".yaml"))
        for group in ("policy", "observer", "embedder")
        for file in sorted((CONFIGS / group).iterdir(), key=lambda file: file.name)
        if file.name.endswith(".yaml") and file.name != "custom.yaml"
    ]


def recipe(group: str, name: str) -> dict[str, Any]:
    with hydra.initialize_config_module("social_sandbox.configs", version_base="1.3"):
        config = hydra.compose("config", [f"{group}={name}"])
    return dict(cast(Any, OmegaConf.to_container(config[group])))


def as_default(value: Any) -> Any:
    """Return a value of YAML as a signature has it, where nothing can be changed later."""
    return (tuple(value) or ()) if isinstance(value, list) else None if value == {} else value


@pytest.mark.parametrize("section", SECTIONS)
def test_a_section_has_the_defaults_of_its_dataclass(section: str) -> None:
    assert getattr(settings_of([]), section) == SECTIONS[section]()


@pytest.mark.parametrize("name", METHODS)
def test_a_method_has_the_defaults_of_its_dataclass(name: str) -> None:
    assert settings_of([f"method={name}"]).method.config == config_class(find_method(name))()


@pytest.mark.parametrize("mode", ["auto", "online", "offline", "disabled"])
def test_every_choice_of_wandb_differs_in_its_mode_alone(mode: Any) -> None:
    assert settings_of([f"wandb={mode}"]).wandb == WandbConfig(mode=mode)


@pytest.mark.parametrize(("group", "name"), recipes())
def test_a_recipe_has_the_defaults_of_its_class(group: str, name: str) -> None:
    values = recipe(group, name)
    kind = get_object(values.pop("_target_"))
    defaults = {
        each.name: "???" if each.default is each.empty else each.default
        for each in inspect.signature(kind).parameters.values()
        if each.name not in OF_SCRIPTS
    }
    if group == "observer" and "reasons" in values:
        # An observer's phase is none in which the policies give reasons by default.
        assert values.pop("reasons") == []
        assert defaults.pop("reasons") == ("feedback",)
    assert {key: as_default(value) for key, value in values.items()} == defaults


@pytest.mark.parametrize("name", ["huggingface", "openai", "human", "scripted"])
def test_an_observer_has_the_defaults_of_the_policy(name: str) -> None:
    own = {"reasons": []} if "reasons" in recipe("policy", name) else {}
    assert recipe("observer", name) == recipe("policy", name) | own
