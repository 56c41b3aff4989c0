"""What figures need of the interactions of a file, which may be many."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from social_sandbox.envs.rules.interactions import Answer, Interaction, iter_interactions

_NO_TEXT = Answer("")


def read_drawn(path: Path, *, texts: bool) -> list[Interaction]:
    """Return the interactions of a file without what no figure shows.

    Memories, feedback and reasons are left out: they take most of the memory.

    Args:
        path: The file.
        texts: Whether drafts and revisions are needed, as norms read them.

    Raises:
        UserError: The file cannot be read, or a line is no interaction.
    """
    return list(_drawn(path, texts=texts))


def _drawn(path: Path, *, texts: bool) -> Iterator[Interaction]:
    for one in iter_interactions(path):
        yield replace(
            one,
            memory=None,
            feedback=(),
            draft=one.draft if texts else _NO_TEXT,
            revision=one.revision if texts else _NO_TEXT,
            observations=tuple(replace(each, reason="") for each in one.observations),
        )
