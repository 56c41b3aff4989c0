"""The command line: `social-sandbox COMMAND [setting=value ...]`."""

from .commands import COMMANDS, main

__all__ = ["COMMANDS", "main"]
