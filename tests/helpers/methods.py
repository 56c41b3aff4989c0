"""Methods made from their settings by keyword."""

from typing import Any

from social_sandbox.alignment.methods import config_class
from social_sandbox.alignment.training.method import Method


def make_method(kind: type[Method], **settings: Any) -> Method:
    """Return a method with these settings and the defaults of the others."""
    return kind(config_class(kind)(**settings))
