"""The failures of a server in plain words, which name the setting to look at."""

import re

from social_sandbox.envs.rules.turns import Tokens

from ..config import ApiConfig
from .errors import ApiError, Refused
from .failures import Failure
from .parameters import SETTINGS, named_in
from .rates import PATIENCE

_NO_MODEL = re.compile(
    r"model[^.]{0,80}(?:not exist|not found|unknown|invalid|not available|unsupported)"
    r"|(?:no such|invalid|unknown|unsupported) model",
    re.IGNORECASE,
)
_TOO_LONG = re.compile(
    r"context[_ ](?:length|window|size)|maximum context|prompt is too long", re.I
)


def as_error(
    failure: Failure, config: ApiConfig, has_key: bool, cost: Tokens, repetitions: int
) -> ApiError:
    """Return a failure as an error whose message is one line.

    Args:
        failure: The failure; its words contain no secret.
        config: The settings of the connection.
        has_key: Whether a key was sent.
        cost: Cost of the failed requests.
        repetitions: How often the request was repeated because of failures that may pass.
    """
    server, status, words = config.server, failure.status, failure.words
    again = f", tried {repetitions + 1} times" if repetitions else ""
    if failure.filtered is not None:
        return Refused(cost, failure.filtered)
    if status == 0:
        cannot = (
            f"{server} {words}" if failure.setting == "timeout" else f"cannot reach {server}{words}"
        )
        return ApiError(cannot + again, failure.setting, cost)
    told = f"({status}: {words})"
    if failure.retry_after and failure.retry_after > PATIENCE:
        told += f" and asks for a pause of {failure.retry_after:g} s"
    if failure.is_about_the_key or status == 403:
        variable = config.api_key_env
        problem = f"refused the key in {variable}" if has_key else "wants a key"
        return ApiError(f"{server} {problem} {told}", "api_key_env", cost)
    if status in (404, 405) and not config.has_version and not _NO_MODEL.search(failure.text):
        problem = "has nothing at this path; most servers want an address that ends in /v1"
        return ApiError(f"{server} {problem} {told}", "base_url", cost)
    if status == 404:
        problem = f"has no model {config.model!r}, or nothing at this path ({words})"
        return ApiError(f"{server} {problem}", "model", cost)
    if failure.is_transient or status >= 500 or status in (402, 429):
        setting = "max_retries" if failure.is_transient else ""
        return ApiError(f"{server} failed {told}{again}", setting, cost)
    return ApiError(f"{server} rejected the request {told}", _setting(failure, config), cost)


def _setting(failure: Failure, config: ApiConfig) -> str:
    """Return the setting behind a request that the server does not accept; empty if unknown."""
    own, by_field = named_in(failure, config.body)
    if own:
        return f"extra.{min(by_field or own)}"
    if _TOO_LONG.search(failure.text) or "context_length_exceeded" in failure.codes:
        return ""
    named, by_field = named_in(failure, SETTINGS)
    if named:
        return SETTINGS[min(by_field or named)]
    if "model" in failure.names or _NO_MODEL.search(failure.text):
        return "model"
    return "extra" if config.body else ""
