"""The fields of a benchmark's rows, checked, and the items that are made of them."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from pydantic import TypeAdapter, ValidationError

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.rules.seeding import generator
from social_sandbox.envs.text.jsonl import first_problem

from ..items import Item

Checked = TypeVar("Checked")


@dataclass(frozen=True, slots=True)
class _Targets:
    choices: list[str]
    labels: list[Literal[0, 1]]


_TARGETS = TypeAdapter(_Targets)
_SCORES: TypeAdapter[dict[str, Literal[0, 1]]] = TypeAdapter(dict[str, Literal[0, 1]])


def texts(place: str, row: Mapping[str, Any], names: Sequence[str]) -> dict[str, str]:
    """Return the fields of these names.

    Raises:
        UserError: A field is no text.
    """
    for name in names:
        if not isinstance(row.get(name), str):
            raise UserError(f"{place}: needs a text {name}")
    return {name: str(row[name]) for name in names}


def number(place: str, row: Mapping[str, Any], name: str, below: int) -> int:
    """Return a whole number from 0 to below `below`.

    Raises:
        UserError: The field is no such number.
    """
    try:
        value = int(row[name])
    except (KeyError, TypeError, ValueError):
        value = -1
    if not 0 <= value < below:
        raise UserError(f"{place}: {name} must be a whole number from 0 to {below - 1}")
    return value


def targets(place: str, name: str, value: Any) -> tuple[Sequence[str], Sequence[int]]:
    """Return choices and a label of 0 or 1 for each.

    Raises:
        UserError: No choice is labelled 1, or in `mc1` more than one is.
    """
    checked = _checked(f"{place}: {name}", _TARGETS, value)
    ones = sum(checked.labels)
    if len(checked.choices) != len(checked.labels) or ones < 1 or (name == "mc1" and ones > 1):
        one = "exactly one" if name == "mc1" else "one"
        raise UserError(f"{place}: {name} needs choices, a label each, and {one} that is 1")
    return checked.choices, checked.labels


def target_scores(place: str, value: Any) -> Mapping[str, int]:
    """Return choices with a score of 0 or 1 each.

    Raises:
        UserError: The value is no such mapping.
    """
    return _checked(f"{place}: target_scores", _SCORES, value)


def choice_item(
    shown: Mapping[str, str],
    choices: Sequence[str],
    labels: Sequence[int],
    context: str = "",
    shuffled: bool = True,
) -> Item:
    """Return an item whose choices are in an order that is drawn for it.

    Args:
        shown: Fields that the task's template shows.
        choices: Choices of the model.
        labels: 1 for each right choice, 0 for each wrong one.
        context: Prompt of the item.
        shuffled: Whether the order is drawn; False leaves the choices as they are.
    """
    name = content_id(*shown.values(), *choices)
    order = list(range(len(choices)))
    if shuffled:
        generator(0, "choices", name).shuffle(order)
    return Item(
        name,
        None,
        context,
        tuple(choices[place] for place in order),
        tuple(labels[place] for place in order),
        dict(shown),
    )


def content_id(*contents: str) -> str:
    """Return an identifier that depends on these texts alone."""
    return hashlib.sha256("\0".join(contents).encode()).hexdigest()[:16]


def _checked(place: str, adapter: TypeAdapter[Checked], value: Any) -> Checked:
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        raise UserError(f"{place}: {first_problem(error)}") from error
