"""What is recorded of a simulation that workers are still playing."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from social_sandbox.envs.rules.interactions import Interaction, interaction_log

from ..log import INTERACTIONS
from .merge import WORLDS
from .world_folder import attempts, natural

_SEALED = "finished-*"


def interaction_files(folder: Path) -> list[Path]:
    """Return the files of interactions in the folder of a simulation, from one or many processes.

    While workers play these are the files of their worlds: of a sealed world one, of another one
    for each attempt. An interaction may be in several of them.
    """
    files = [folder / INTERACTIONS]
    with suppress(OSError):  # the driver removes the folders of the worlds in the end
        for world in sorted((folder / WORLDS).iterdir(), key=lambda path: natural(path.name)):
            sealed = sorted(world.glob(_SEALED))
            files += [each / INTERACTIONS for each in sealed or attempts(world)]
    return [file for file in files if file.is_file()]


def recorded_interactions(folder: Path) -> Iterator[Interaction]:
    """Yield the interactions so far of the simulation in a folder, each world's once.

    The last line of a file may be half written, and is left out.

    Raises:
        UserError: A file is damaged.
    """
    seen: set[str] = set()
    files = interaction_files(folder)
    for file in files:
        for _, interaction in interaction_log(file).numbered():
            if len(files) == 1:
                yield interaction
            elif interaction.id not in seen:
                seen.add(interaction.id)
                yield interaction
