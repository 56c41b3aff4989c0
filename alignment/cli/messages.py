"""Errors as one line for the user."""

import difflib
import errno
import re
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from social_sandbox.envs.errors import UserError

from ..runtime.secrets import HIDDEN, without_quoted, without_secret

if TYPE_CHECKING:
    from omegaconf import DictConfig

_CHOICE = re.compile(r"(method|policy|observer|embedder)=[^,]*$")


def print_error(message: str) -> None:
    """Print a message in red to the standard error."""
    from social_sandbox.policies.terminal import Terminal

    Terminal(stderr=True).print(message, style="red", markup=False, highlight=False, soft_wrap=True)


def exit_code(error: Exception, overrides: Sequence[str], commands: Collection[str]) -> int | None:
    """Print an error that the user can correct, and return the exit code.

    Args:
        error: An error that a command has raised.
        overrides: See `one_line`.
        commands: See `one_line`.

    Returns:
        2, or 3 where a budget is spent; None for an error of the program, which is not printed.
    """
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    from social_sandbox.policies.society.account import BudgetReached

    if isinstance(error, BudgetReached):
        print_error(f"{error}; nothing is lost: with a larger budget the same command goes on")
        return 3
    if isinstance(error, UserError | HydraException | OmegaConfBaseException):
        print_error(one_line(error, overrides, commands))
        return 2
    problem = file_problem(error) if isinstance(error, OSError) else None
    if problem is None:
        return None
    print_error(problem)
    return 2


def one_line(error: Exception, overrides: Sequence[str], commands: Collection[str]) -> str:
    """Return the first meaningful line of an error, without what may be secret in `overrides`.

    Args:
        error: An error of this project, of Hydra or of OmegaConf.
        overrides: The settings of the command line. The correct name is suggested for a setting
            that does not exist.
        commands: The names of all commands.
    """
    return without_quoted(_first_line(error, overrides, commands), overrides)


def _first_line(error: Exception, overrides: Sequence[str], commands: Collection[str]) -> str:
    from hydra.errors import OverrideParseException

    text = str(error).strip()
    if isinstance(error, OverrideParseException):
        name, _, _ = error.override.partition("=")
        if without_secret(error.override) == f"{name}={HIDDEN}":
            return f"{name}: cannot be read: put quotes around texts with special characters"
    unknown = re.search(r"Could not override '([^']+)'", text)
    if unknown:
        # Inside a mapping such as `data.mix`, only the cause names the setting.
        inner = re.search(r"full_key: (\S+)", str(error.__cause__))
        name = inner[1] if inner and inner[1].startswith(f"{unknown[1]}.") else unknown[1]
        return _unknown_setting(name, overrides)
    without_value = re.search(r"Error parsing override '([^']+)'\s*missing EQUAL", text)
    if without_value:
        return f"{without_value[1]}: must be followed by =VALUE"
    missing = re.search(r"Missing mandatory value: \S+\s+full_key: (\S+)", text)
    if missing:
        return f"{missing[1]}: needs a value"
    several = re.search(r"Ambiguous value for argument '(.+?)=(.+)'", text)
    if several:
        return (
            f"{several[1]}: {several[2]} are several values, which need --multirun; "
            f"a list is written {several[1]}=[...]"
        )
    option = re.search(r"Could not find '([^']+)'", text)
    if option and "/" in option[1]:
        return _unknown_option(option[1], text, commands)
    return " ".join(line.strip() for line in text.split("\n")[:2])


def file_problem(error: OSError) -> str | None:
    """Return what is wrong with a file or its disk; None for an error of another kind."""
    name = error.filename or "a file"
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
        return f"cannot write {name}: {error.strerror}"
    # Reading and writing fail alike without the permission.
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"cannot access {name}: {error.strerror}"
    return None


def nearest(word: str, names: Collection[str]) -> str:
    """Return the end of a message: the most similar name, or else all names."""
    matches = difflib.get_close_matches(word, list(names), n=1, cutoff=0.5)
    # `grid` is short for env.grid_size, although few letters are the same.
    matches += [name for name in names if name.rpartition(".")[2].startswith(word)]
    if matches:
        return f"; did you mean {matches[0]!r}?"
    return f"; there are {', '.join(names)[:300]}"


def _unknown_setting(name: str, overrides: Sequence[str]) -> str:
    # Each method and each policy has settings of its own.
    chosen = {o.partition("=")[0]: o for o in overrides if _CHOICE.match(o)}
    choices = list(chosen.values())
    owner = "".join(f" of {o}" for o in choices if name.startswith(f"{o.partition('=')[0]}."))
    import hydra

    with hydra.initialize_config_module("social_sandbox.configs", version_base="1.3"):
        names = _names(hydra.compose("config", choices), "")
        owners = _choices_with(name)
    if owners:
        return f"{name}: no such setting{owner}; there is one with {' or '.join(owners)}"
    section, _, last = name.rpartition(".")
    # A setting of that very name stands elsewhere, as `seed` for `env.seed`.
    elsewhere = [each for each in names if each.rpartition(".")[2] == last]
    if elsewhere:
        nearest_one = min(elsewhere, key=lambda each: each.count("."))
        return f"{name}: no such setting{owner}; did you mean {nearest_one!r}?"
    # Of a section whose name is right, the names of its settings.
    inner = [each for each in names if section and each.startswith(f"{section}.")]
    return f"{name}: no such setting{owner}{nearest(name, inner or names)}"


def _choices_with(name: str) -> list[str]:
    """Return the choices of a setting's group, such as `engine=ray`, with which the setting is."""
    import hydra
    from hydra.core.global_hydra import GlobalHydra

    group = name.partition(".")[0]
    options = GlobalHydra.instance().config_loader().get_group_options(group)
    choices = [f"{group}={option}" for option in options]
    return [each for each in choices if name in _names(hydra.compose("config", [each]), "")]


def _unknown_option(option: str, text: str, commands: Collection[str]) -> str:
    group, name = option.rsplit("/", 1)
    if name in commands:
        return f"{group}: no choice {name!r}, which is a command: social-sandbox {name}"
    options = re.search(r"Available options in '[^']+':\n((?:\t.+\n?)+)", text)
    names = options[1].split() if options else []
    matches = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"; did you mean {matches[0]!r}?" if matches else ""
    return f"{group}: no choice {name!r}; there are {', '.join(names)}{hint}"


def _names(config: "DictConfig", prefix: str) -> list[str]:
    from omegaconf import DictConfig

    names = []
    for name, value in config.items_ex(resolve=False):
        names.append(f"{prefix}{name!s}")
        if isinstance(value, DictConfig):
            names += _names(value, f"{names[-1]}.")
    return names
