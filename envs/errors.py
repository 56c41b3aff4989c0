"""The one error that a user is meant to read."""


class UserError(ValueError):
    """Something that a user can mend: a setting, a file, a line.

    Its message is one line that names the setting, file or line; the command line prints it
    without a traceback and ends with exit code 2.
    """


def first_words(error: object) -> str:
    """The first line of an error of somebody else, and the next one where it ends in a colon."""
    first, *rest = str(error).strip().split("\n")
    return f"{first} {rest[0].strip()}" if rest and first.endswith(":") else first
