"""Arguments of commands that have a parser of their own, beside the settings of the jobs."""

import argparse
import math
from collections.abc import Callable
from typing import Any, NoReturn

from social_sandbox.envs.errors import UserError


class ArgumentParser(argparse.ArgumentParser):
    """A parser whose errors are one line, like those of a wrong setting."""

    def __init__(self, *args: Any, line: Callable[[str], str] = str, **options: Any) -> None:
        """Create the parser.

        Args:
            *args: See `argparse.ArgumentParser`.
            line: Makes the line for the user of the message of `argparse`.
            **options: See `argparse.ArgumentParser`.
        """
        super().__init__(*args, **options)
        self._line = line

    def error(self, message: str) -> NoReturn:
        """Raise UserError."""
        raise UserError(self._line(message))


def share_up_to(highest: float) -> Callable[[str], float]:
    """Return the type of an argument that is a share, from 0 to `highest`."""

    def share(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not 0 <= value <= highest:
            raise argparse.ArgumentTypeError(f"{text!r} is no share from 0 to {highest:g}")
        return value

    return share
