"""Failures of requests to a server, as exceptions with a one-line message."""

from social_sandbox.envs.rules.turns import Tokens

REFUSED = "the server refused the content"
"""The beginning of the `error` of an utterance whose turn the server has refused to answer."""


def is_refused(error: str) -> bool:
    """Return whether the `error` of an utterance says that the server refused the content."""
    return error.startswith(REFUSED)


class ApiError(Exception):
    """A request that fails every time that it is sent.

    Attributes:
        setting: Name of the setting to look at; empty if no setting is to blame.
        tokens: Cost of the failed requests.
    """

    def __init__(self, message: str, setting: str = "", tokens: Tokens | None = None) -> None:
        """Create the error; `message` is one line without secrets."""
        super().__init__(message)
        self.setting = setting
        self.tokens = tokens or Tokens()


class Malformed(ApiError):
    """An answer that cannot be used; another answer to the same request may be better."""

    def __init__(self, message: str, tokens: Tokens, setting: str = "") -> None:
        """See `ApiError`."""
        super().__init__(message, setting, tokens)


class Unreadable(Malformed):
    """An answer that is no reply of a model, such as a web page; the server needs a pause."""


class Empty(Malformed):
    """A reply without a text."""


class Refused(ApiError):
    """A refusal by the server's content filter, which comes in place of an answer."""

    def __init__(self, tokens: Tokens, reason: str = "") -> None:
        """Create the error; `reason` is the server's one, in a few words."""
        super().__init__(f"{REFUSED} ({reason})" if reason else REFUSED, tokens=tokens)
