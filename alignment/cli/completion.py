"""Completion in a shell: the commands are this project's, and Hydra completes settings."""

import os
from collections.abc import Collection, Sequence
from contextlib import redirect_stderr, suppress
from io import StringIO

from .help import READS
from .jobs import run_job
from .setting_texts import GROUPS


def complete(arguments: Sequence[str], commands: Collection[str]) -> None:
    """Print a script that installs completion, or the completions of a command line.

    The script asks for completions by `social-sandbox -sc query=SHELL`, with the command line in
    the environment variable COMP_LINE.

    Args:
        arguments: Such as `-sc install=bash`.
        commands: The names of all commands.
    """
    line = os.environ.get("COMP_LINE", "")
    program, _, rest = line.lstrip().partition(" ")
    command, space, settings = rest.lstrip().partition(" ")
    if any(argument.startswith("query=") for argument in arguments):
        if not space:
            print(" ".join(name for name in commands if name.startswith(command)))
            return
        if command in READS:
            # Hydra knows no commands: the words after the program are overrides.
            os.environ["COMP_LINE"] = f"{program} {_that_matter(settings)}"
            _complete_settings(arguments)
        return
    run_job("run", arguments)


def _that_matter(settings: str) -> str:
    """Return the choices before the last word, and the last word: all that Hydra needs."""
    *before, last = settings.split(" ")
    chosen = [word for word in before if word.partition("=")[0] in GROUPS and "=" in word]
    return " ".join([*chosen, last])


def _complete_settings(arguments: Sequence[str]) -> None:
    # Half a command line is often wrong, and an error would be printed into the line.
    with suppress(Exception, SystemExit), redirect_stderr(StringIO()):
        run_job("run", arguments)
