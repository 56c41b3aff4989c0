"""The norms that an observer rates by, read from the observer's recipe."""

from collections.abc import Iterator, Mapping, Sequence
from pkgutil import resolve_name
from typing import Any

from social_sandbox.envs.errors import UserError

from .. import registry as policies
from .norm import Norm, by_name, is_norm_function
from .registry import find_norm

_NORMS, _MEAN = ".NormsPolicy", ".MeanPolicy"
_LISTS = ("norms", "alignment", "engagement")
"""The settings of `NormsPolicy` that name norms."""


def norms_of(recipe: Mapping[str, Any], setting: str = "observer") -> list[Norm]:
    """Return the norms that the observer with a recipe rates by, each once.

    The observer may rate by `norms`, be a norm of your own (`observer._target_`), or be the `mean`
    of observers some of which do. For any other observer the list is empty.

    Args:
        recipe: The observer's settings with their `_target_`.
        setting: Name of the section that holds the recipe, for error messages.

    Raises:
        UserError: There is no such norm, or an observer of a mean does not exist.
    """
    target = str(recipe.get("_target_", ""))
    found: list[Norm] = []
    if target.endswith(_NORMS):
        for name in _LISTS:
            found += [find_norm(norm, f"{setting}.{name}") for norm in recipe.get(name) or ()]
    elif _makes_a_norm(target):
        found.append(find_norm(policies.build(recipe, setting), f"{setting}._target_"))
    for number, inner in _observers(recipe):
        found += norms_of(inner, f"{setting}.observers[{number}]")
    return list(by_name(found).values())


def given_norms(recipe: Mapping[str, Any]) -> list[str]:
    """Return the names and import paths of the norms in an observer's recipe, see `norms_of`."""
    target = str(recipe.get("_target_", ""))
    names: list[str] = []
    if target.endswith(_NORMS):
        names = [norm for name in _LISTS for norm in recipe.get(name) or ()]
    elif _makes_a_norm(target):
        names = [target]
    return names + [name for _, inner in _observers(recipe) for name in given_norms(inner)]


def _observers(recipe: Mapping[str, Any]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield the recipes of the observers of a mean with their places."""
    given: Any = recipe.get("observers") if str(recipe.get("_target_")).endswith(_MEAN) else ()
    for number, observer in enumerate(given if _is_list(given) else ()):
        inner = _recipe_of(observer)
        if inner is not None:
            yield number, inner


def _recipe_of(observer: Any) -> Mapping[str, Any] | None:
    """Return the recipe of one observer of a mean; None where the mean itself will complain."""
    own = {"observer": observer} if isinstance(observer, str) else observer
    if not isinstance(own, Mapping) or not isinstance(own.get("observer"), str):
        return None
    try:
        inherited = policies.recipe(own["observer"], "observer")
    except UserError:
        return None
    return inherited | {name: value for name, value in own.items() if name != "observer"}


def _makes_a_norm(target: str) -> bool:
    """Return whether an import path is that of a norm, or of a class of norms."""
    try:
        found = resolve_name(target)
    except Exception:
        return False
    return is_norm_function(found.__call__ if isinstance(found, type) else found)


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)
