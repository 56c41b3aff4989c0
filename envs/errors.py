"""The error that the command line shows to its user."""


class UserError(ValueError):
    """A mistake that the user can mend, in a setting, a file or a line of a file.

    The message is one line that names the setting, file or line. The command line prints the
    message without a traceback and ends with exit code 2.
    """


def first_words(error: object) -> str:
    """Return the first line of another library's error message.

    A first line that ends in a colon is followed by the second line.
    """
    first, *rest = str(error).strip().split("\n")
    return f"{first} {rest[0].strip()}" if rest and first.endswith(":") else first
