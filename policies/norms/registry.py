"""Norms by name: those of this project, those of installed packages and those of your own.

A package adds a norm by an entry point in the group `social_sandbox.norms`, which names a function
of a question and an answer. A function of your own is named by its import path, such as
`my_module.my_norm`.
"""

from collections.abc import Callable
from difflib import get_close_matches
from importlib.metadata import entry_points
from pkgutil import resolve_name
from typing import Any

from social_sandbox.envs.errors import UserError, first_words

from . import care, form, honesty, safety, stance
from .norm import Norm, by_name, is_norm_function

GROUP = "social_sandbox.norms"
"""The group of entry points."""

NORMS: dict[str, Norm] = by_name(
    (*form.NORMS, *stance.NORMS, *care.NORMS, *honesty.NORMS, *safety.NORMS)
)
"""This project's norms by name."""

KEPT_OUT = ("names_help", "owns_uncertainty")
"""Norms that no setting of this project was ever chosen by; their results are reported last."""


def installed_norms() -> dict[str, str]:
    """Return the import paths of the norms that other packages offer, by name."""
    points = entry_points(group=GROUP)
    return {point.name: point.value for point in points if point.name not in NORMS}


def find_norm(norm: str | Norm | Callable[..., float], setting: str = "norms") -> Norm:
    """Return a norm.

    Args:
        norm: The name of a norm, the import path of a function, or the norm or function itself.
        setting: Name of the setting that gave the norm, for error messages.

    Raises:
        UserError: There is no such norm, or it cannot be imported.
    """
    if isinstance(norm, Norm):
        return norm
    if not isinstance(norm, str):
        return _made(norm, repr(norm), setting)
    if norm in NORMS:
        return NORMS[norm]
    others = installed_norms()
    path = others.get(norm, norm).replace(":", ".")
    if "." not in path:
        near = get_close_matches(norm, [*NORMS, *others], n=1)
        hint = f"; did you mean {near[0]!r}?" if near else f"; choose from {', '.join(NORMS)}"
        raise UserError(f"{setting}: no norm {norm!r}{hint}")
    try:
        found = resolve_name(path)
    except Exception as error:
        raise UserError(
            f"{setting}: cannot import the norm {path}: {first_words(error)}"
        ) from error
    return found if isinstance(found, Norm) else _made(found, path, setting)


def _made(candidate: Any, name: str, setting: str) -> Norm:
    """Return a norm for a function, an object that can be called, or a class of such objects."""
    if isinstance(candidate, type):
        try:
            candidate = candidate()
        except Exception as error:
            raise UserError(f"{setting}: cannot make {name}: {first_words(error)}") from error
    if isinstance(candidate, Norm):
        return candidate
    if not is_norm_function(candidate):
        raise UserError(
            f"{setting}: {name:.80} is no norm: a norm is a function of (question, answer), or of "
            "(question, answer, conversation)"
        )
    return Norm(candidate)
