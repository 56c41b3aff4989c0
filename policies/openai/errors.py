"""Failures of requests to a server, as exceptions with a one-line message."""

from social_sandbox.envs.turns import Tokens

REFUSED = "the server refused the content"
"""The `error` of an utterance whose turn the server has refused to answer."""


class ApiError(Exception):
    """A request that fails every time that it is sent.

    Attributes:
        setting: Name of the setting to look at; empty if no setting is to blame.
        tokens: Cost of the failed requests.
    """

    def __init__(self, message: str, setting: str = "", tokens: Tokens | None = None) -> None:
        """Create the error; `message` is one line without the API key."""
        super().__init__(message)
        self.setting = setting
        self.tokens = tokens or Tokens()


class Malformed(ApiError):
    """An answer that cannot be used; another answer to the same request may be better."""

    def __init__(self, message: str, tokens: Tokens) -> None:
        """See `ApiError`."""
        super().__init__(message, tokens=tokens)


class Rejected(ApiError):
    """A request that the server does not understand."""


class Refused(ApiError):
    """A refusal by the server's content filter, which comes in place of an answer."""

    def __init__(self, tokens: Tokens) -> None:
        """See `ApiError`."""
        super().__init__(REFUSED, tokens=tokens)
