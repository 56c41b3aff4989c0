"""The parts of an experiment: societies and cells, with the commands that make them."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

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
        return [
            self._part(f"societies/{_path(norm)}seed_{seed}", commands, norm, seed)
            for norm in self.norms or ("",)
            for seed in self.seeds
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
        takes = self.experiment.takes
        society: str | None = None
        given: tuple[str, ...] = ()
        if takes is not None:
            society = f"societies/{_path(norm)}seed_{seed}"
            file = "data/groups.jsonl" if takes == "groups" else "simulation/interactions.jsonl"
            given = (f"{takes}={self.output_dir / society / file}",)
        return self._part(
            f"cells/{_path(norm)}{setting.name}/seed_{seed}",
            self.experiment.commands,
            norm,
            seed,
            setting,
            society,
            given,
        )

    def _part(
        self,
        name: str,
        commands: tuple[str, ...],
        norm: str,
        seed: int,
        setting: Setting | None = None,
        society: str | None = None,
        given: tuple[str, ...] = (),
    ) -> Part:
        overrides = (
            f"experiment={self.experiment.name}",
            f"scale={self.scale}",
            *self.experiment.sizes.get(self.scale, ()),
            *((f"observer.norms=[{norm.replace('+', ',')}]",) if norm else ()),
            *(setting.overrides if setting else ()),
            *self.overrides,
            f"seed={seed}",
            *given,
            f"output_dir={self.output_dir / name}",
        )
        return Part(name, commands, overrides, seed, norm, setting, society)


def chosen_settings(
    experiment: Experiment, scale: Scale, patterns: Sequence[str]
) -> tuple[Setting, ...]:
    """Return the settings of an experiment that any of the patterns, such as `sft*`, names.

    Args:
        experiment: The experiment.
        scale: Its size.
        patterns: Patterns; none: all settings.

    Raises:
        UserError: A pattern names none.
    """
    settings = tuple(experiment.settings(scale))
    for pattern in patterns:
        if not any(fnmatchcase(setting.name, pattern) for setting in settings):
            names = ", ".join(setting.name for setting in settings)
            raise UserError(f"settings: {experiment.name} has no {pattern!r}; there are {names}")
    if not patterns:
        return settings
    return tuple(s for s in settings if any(fnmatchcase(s.name, p) for p in patterns))


def refuse_varied(experiment: Experiment, scale: Scale, overrides: Sequence[str]) -> None:
    """Raise UserError for a setting that the experiment itself varies or gives to its parts."""
    own = {"experiment", "scale", "seed", experiment.takes}
    varied = {_name(o) for setting in experiment.settings(scale) for o in setting.overrides}
    for override in overrides:
        if _name(override) in own | varied:
            hint = "seeds=[0,1,2] names the seeds" if _name(override) == "seed" else ""
            hint = hint or f"{experiment.name} sets it itself"
            raise UserError(f"{_name(override)}: {hint}")


def that_matter(overrides: Sequence[str]) -> list[str]:
    """Return the overrides that results depend on, without secrets."""
    kept = [o for o in overrides if _name(o).partition(".")[0] not in HOW_RUN]
    return arguments_without_secrets(kept)


def _name(override: str) -> str:
    return override.lstrip("+~").partition("=")[0]


def _path(norm: str) -> str:
    return f"{norm}/" if norm else ""
