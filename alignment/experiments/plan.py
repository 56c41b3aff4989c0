"""The parts of an experiment: societies and cells, with the commands that make them."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from social_sandbox.envs.errors import UserError

from ..runtime.secrets import arguments_without_secrets
from .experiment import Experiment, Scale, Setting

HOW_RUN = ("wandb", "progress", "budget", "overwrite", "output_dir", "groups", "interactions")
"""Settings that change how and where parts are run, and not what they come to."""


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of work with a folder of its own: a society that cells share, or a cell.

    Attributes:
        name: Its folder below the experiment's, such as `cells/sft/seed_0`.
        commands: The commands that make it.
        overrides: Their settings, with `output_dir`.
        seed: The seed.
        norm: The norms of its observer, such as `asks_back+brief`; empty: those of the scale.
        setting: What a cell is a cell of; None for a society.
        society: Name of the society that must be there before; None: none.
    """

    name: str
    commands: tuple[str, ...]
    overrides: tuple[str, ...]
    seed: int
    norm: str = ""
    setting: Setting | None = None
    society: str | None = None

    def lines(self) -> list[str]:
        """Return the command lines that make the part, without secrets."""
        hidden = arguments_without_secrets(list(self.overrides))
        return [shlex.join(["social-sandbox", command, *hidden]) for command in self.commands]


@dataclass(frozen=True)
class Plan:
    """An experiment with everything that was chosen for it.

    Attributes:
        experiment: The experiment.
        scale: Its size.
        seeds: A cell for each of them and each setting.
        norms: Choices of norms, such as `asks_back+brief`, each with a society and cells of its
            own; empty: the observer of the scale.
        settings: The settings that are compared.
        overrides: Settings of the user for all parts.
        output_dir: The folder of the experiment.
        keep_models: Whether the aligned models are kept once they are measured.
    """

    experiment: Experiment
    scale: Scale
    seeds: tuple[int, ...]
    norms: tuple[str, ...]
    settings: tuple[Setting, ...]
    overrides: tuple[str, ...]
    output_dir: Path
    keep_models: bool = False

    @property
    def societies(self) -> list[Part]:
        """The societies that cells share."""
        if self.experiment.takes is None:
            return []
        commands = ("simulate", "data") if self.experiment.takes == "groups" else ("simulate",)
        kinds = {setting.society: setting.society_overrides for setting in self.settings}
        return [
            self._part(_society(norm, kind, seed), commands, norm, seed, extra)
            for seed in self.seeds
            for norm in self.norms or ("",)
            for kind, extra in kinds.items()
        ]

    @property
    def cells(self) -> list[Part]:
        """The cells; a killed run has whole seeds first."""
        return [
            self._cell(norm, setting, seed)
            for seed in self.seeds
            for norm in self.norms or ("",)
            for setting in self.settings
        ]

    @property
    def parts(self) -> list[Part]:
        """Societies and cells."""
        return [*self.societies, *self.cells]

    def part(self, name: str) -> Part:
        """Return a part by its name.

        Raises:
            UserError: There is no such part.
        """
        for part in self.parts:
            if part.name == name:
                return part
        raise UserError(f"part: no part {name!r}; there are {self.parts[0].name} and others")

    def made_with(self) -> dict[str, object]:
        """Return what must not change while the folder is worked on."""
        return {
            "experiment": self.experiment.name,
            "scale": self.scale,
            "settings": that_matter(self.overrides),
        }

    def _cell(self, norm: str, setting: Setting, seed: int) -> Part:
        society: str | None = None
        extra = setting.overrides
        takes = self.experiment.takes
        if takes is not None:
            society = _society(norm, setting.society, seed)
            file = "data/groups.jsonl" if takes == "groups" else "simulation/interactions.jsonl"
            extra += (f"{takes}={self.output_dir / society / file}",)
        name = f"cells/{_path(norm)}{setting.name}/seed_{seed}"
        commands = setting.commands or self.experiment.commands
        part = self._part(name, commands, norm, seed, extra)
        return replace(part, setting=setting, society=society)

    def _part(
        self, name: str, commands: tuple[str, ...], norm: str, seed: int, extra: tuple[str, ...]
    ) -> Part:
        overrides = (
            f"experiment={self.experiment.name}",
            f"scale={self.scale}",
            *self.experiment.sizes.get(self.scale, ()),
            *((f"observer.norms=[{norm.replace('+', ',')}]",) if norm else ()),
            *extra,
            *self.overrides,
            f"seed={seed}",
            f"output_dir={self.output_dir / name}",
        )
        return Part(name, commands, overrides, seed, norm)


def chosen_settings(
    experiment: Experiment, scale: Scale, patterns: Sequence[str], values: Sequence[Any] = ()
) -> tuple[Setting, ...]:
    """Return the settings of an experiment that any of the patterns, such as `sft*`, names.

    Args:
        experiment: The experiment.
        scale: Its size.
        patterns: Patterns; none: all settings.
        values: What the settings are made of, see `Experiment.values`; none: the default.

    Raises:
        UserError: A pattern names none, or a value is wrong.
    """
    settings = experiment.settings_at(scale, values)
    for pattern in patterns:
        if not any(fnmatchcase(setting.name, pattern) for setting in settings):
            names = ", ".join(setting.name for setting in settings)
            raise UserError(f"settings: {experiment.name} has no {pattern!r}; there are {names}")
    if not patterns:
        return settings
    return tuple(s for s in settings if any(fnmatchcase(s.name, p) for p in patterns))


def refuse_varied(
    experiment: Experiment, settings: Sequence[Setting], overrides: Sequence[str]
) -> None:
    """Raise UserError for an override that the experiment itself varies or gives to its parts."""
    own = {"experiment", "seed", experiment.takes}
    varied = {
        _name(override)
        for setting in settings
        for override in (*setting.overrides, *setting.society_overrides)
    }
    for override in overrides:
        name = _name(override)
        if name in own | varied:
            is_seed = name == "seed"
            hint = "seeds=[0,1] names the seeds" if is_seed else f"{experiment.name} sets it itself"
            raise UserError(f"{name}: {hint}")


def that_matter(overrides: Sequence[str]) -> list[str]:
    """Return the overrides that results depend on, without secrets."""
    kept = [o for o in overrides if _name(o).partition(".")[0] not in HOW_RUN]
    return arguments_without_secrets(kept)


def _name(override: str) -> str:
    return override.lstrip("+~").partition("=")[0]


def _society(norm: str, kind: str, seed: int) -> str:
    return f"societies/{_path(norm)}{_path(kind)}seed_{seed}"


def _path(norm: str) -> str:
    return f"{norm}/" if norm else ""
