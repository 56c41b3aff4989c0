"""Completion in a shell: the commands are this project's, and Hydra completes settings."""

import os
from collections.abc import Collection, Sequence

from .jobs import run_job

OPTIONS = ("-sc", "--shell-completion")
"""Hydra's options for completion."""


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
        # Hydra knows no commands: the words after the program are overrides.
        os.environ["COMP_LINE"] = f"{program} {settings}"
    run_job("run", arguments)
