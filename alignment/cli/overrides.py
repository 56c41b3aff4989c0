"""The settings of a command line as Hydra reads them."""

import re
from collections.abc import Sequence
from importlib.resources import files

from omegaconf import DictConfig, OmegaConf

from social_sandbox.envs.errors import UserError
from social_sandbox.policies import registry

from ..runtime.processes import in_sweep
from ..stages.override_values import hydra_value
from ..stages.settings import text_settings
from .quiet import quiet_libraries
from .setting_texts import setting_names
from .sweeps import NOT_SWEPT, as_hydra_overrides

_NOT_SWEPT = tuple(f"{name}{end}" for name in NOT_SWEPT for end in "=.")
_OPTIONS = {
    *("-m", "--multirun", "-r", "--run", "-c", "--cfg", "-p", "--package", "--resolve", "-i"),
    *("--info", "--hydra-help", "--version", "-sc", "--shell-completion", "-er"),
    *("--experimental-rerun", "-cp", "--config-path", "-cn", "--config-name", "-cd"),
    "--config-dir",
}
"""Options that Hydra takes."""
_MULTIRUN = ("-m", "--multirun")
_EXTRA = re.compile(r"(policy|observer|method)\.extra[.=]")


def hydra_overrides(command: str, arguments: Sequence[str]) -> list[str]:
    """Return the arguments of a command as overrides of this project's configuration.

    A setting of the command's own section needs no prefix: `evaluate model=PATH`. Nor do the roles
    of a training: `align roles={social: NAME}`. Policies and
    methods of other packages can be chosen by name or by `_target_`.

    Raises:
        UserError: A policy or a method does not exist, or a setting is written like an option.
    """
    for argument in arguments:
        name = argument.lstrip("-").partition("=")[0].partition(".")[0]
        if argument.startswith("-") and "=" in argument and name in setting_names():
            raise UserError(f"{argument}: settings have no dashes: {argument.lstrip('-')}")
        if argument.startswith("-") and argument.partition("=")[0] not in _OPTIONS:
            name = argument.partition("=")[0]
            raise UserError(f"{name}: no such option; settings are written NAME=VALUE")
    # Hydra takes this option before all settings alone.
    options = [argument for argument in arguments if argument in _MULTIRUN]
    arguments = [*options, *(argument for argument in arguments if argument not in _MULTIRUN)]
    sections = dict.fromkeys(unprefixed_settings(command), command) | {"roles": "method"}
    prefixed = []
    for argument in arguments:
        name = argument.partition("=")[0].partition(".")[0]
        prefixed.append(f"{sections[name]}.{argument}" if name in sections else argument)
    return _with_choices(prefixed)


def unprefixed_settings(command: str) -> list[str]:
    """Return the settings of a command's section whose names occur in no other section."""
    config = OmegaConf.load(str(files("social_sandbox.configs") / "config.yaml"))
    assert isinstance(config, DictConfig)
    section = config.get(command)
    if not section:
        return []
    # `questions` are those of the society, except in the command that asks its own.
    others = config.keys() - ({"questions"} if command == "evaluate" else set())
    return [str(name) for name in section if name not in others]


def _with_choices(arguments: Sequence[str]) -> list[str]:
    # Lists may be written over several lines, which Hydra's grammar does not allow.
    overrides = [o.replace("\n", " ") for o in arguments]
    if in_sweep():
        overrides = as_hydra_overrides(overrides)
    for kind in registry.KINDS:
        names = [o.partition("=")[2] for o in overrides if o.startswith(f"{kind}=")]
        registry.register(*names)
        overrides = _with_target(overrides, kind)
    overrides = _with_methods(overrides)
    is_sweep = any(o in _MULTIRUN for o in overrides)
    overrides = [
        hydra_value(o, text_settings(), is_sweep=is_sweep and not o.startswith(_NOT_SWEPT))
        for o in overrides
    ]
    # `extra` takes options of a server or a Trainer that our configuration does not list.
    return [f"++{o}" if _EXTRA.match(o) else o for o in overrides]


def _with_methods(overrides: list[str]) -> list[str]:
    choices = [o.partition("=")[2] for o in overrides if o.startswith("method=")]
    names = {name.strip() for choice in choices for name in choice.split(",")}
    if "value_head" in names:
        raise UserError("method=value_head is a command of its own now: social-sandbox observer")
    files_of_methods = {f.name for f in (files("social_sandbox.configs") / "method").iterdir()}
    others = [name for name in names if name and f"{name}.yaml" not in files_of_methods]
    if others:
        # Importing the methods takes seconds, and is needed only for methods of other packages.
        quiet_libraries()
        from ..methods.registry import register

        register(*others)
    return _with_target(overrides, "method")


def _with_target(overrides: list[str], kind: str) -> list[str]:
    """Choose the option `custom` where only a `_target_` is given, whose settings are unknown."""
    chosen = [o.partition("=")[2] for o in overrides if o.startswith(f"{kind}=")]
    has_target = any(o.startswith(f"{kind}._target_=") for o in overrides)
    if not has_target or chosen[-1:] not in ([], ["custom"]):
        return overrides
    custom = [] if chosen else [f"{kind}=custom"]
    return [*custom, *(f"++{o}" if o.startswith(f"{kind}.") else o for o in overrides)]
