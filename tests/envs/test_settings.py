"""Settings dataclasses validate themselves, and their errors name the setting in one line."""

from dataclasses import asdict, dataclass, field, replace
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.settings import settings_dataclass, validated


@settings_dataclass("house.garden")
class Garden:
    trees: Annotated[int, Field(ge=1)] = 1


@settings_dataclass("house")
class House:
    floors: Annotated[int, Field(ge=1, lt=100)] = 2
    height: Annotated[float, Field(gt=0)] | None = None
    roof: Literal["flat", "pitched"] = "flat"
    heated: bool | Literal["auto"] = True
    guests: Literal[-1] | Annotated[int, Field(ge=1)] = -1
    names: Literal["all"] | tuple[str, ...] = ()
    rents: dict[str, Annotated[float, Field(ge=0)]] = field(default_factory=dict)
    gardens: tuple[Garden, ...] | None = None

    def __post_init__(self) -> None:
        if self.roof == "pitched" and self.floors > 10:
            raise UserError("house.roof: must be flat above 10 floors")


@settings_dataclass("house")
class Tower(House):
    lifts: Annotated[int, Field(ge=0)] = 1


@dataclass(frozen=True, kw_only=True)
class Castle(House):
    """A plain dataclass, as another package declares it."""

    moats: Annotated[int, Field(ge=0)] = 1


WRONG = [
    ({"floors": 0}, "house.floors: must be at least 1, got 0"),
    ({"floors": 100}, "house.floors: must be below 100, got 100"),
    ({"floors": 2.5}, "house.floors: must be a whole number, got 2.5"),
    ({"floors": None}, "house.floors: must be a whole number, got null"),
    ({"height": 0}, "house.height: must be above 0, got 0"),
    ({"height": float("inf")}, "house.height: must be a finite number, got inf"),
    ({"height": "tall"}, "house.height: must be a number, got 'tall'"),
    ({"roof": "round"}, "house.roof: must be flat or pitched, got 'round'"),
    ({"heated": "warm"}, "house.heated: must be true or false or auto, got 'warm'"),
    ({"guests": 0}, "house.guests: must be -1 or at least 1, got 0"),
    ({"guests": 2.5}, "house.guests: must be -1 or a whole number, got 2.5"),
    ({"names": 3}, "house.names: must be all or a list, got 3"),
    ({"rents": {"attic": -1}}, "house.rents.attic: must be at least 0, got -1"),
    ({"rents": 3}, "house.rents: must be a mapping, got 3"),
    ({"gardens": [{"trees": 0}]}, "house.gardens.0.trees: must be at least 1, got 0"),
    (
        {"gardens": [{"tree": 2}]},
        "house.gardens.0.tree: no such setting; did you mean 'house.gardens.0.trees'?",
    ),
    ({"floor": 1}, "house.floor: no such setting; did you mean 'house.floors'?"),
    ({"xyz": 1}, "house.xyz: no such setting"),
    ({"roof": "pitched", "floors": 11}, "house.roof: must be flat above 10 floors"),
]


@pytest.mark.parametrize("kind", [House, Tower])
@pytest.mark.parametrize(("values", "message"), WRONG)
def test_a_wrong_value_is_named_in_one_line(
    kind: type[House], values: dict[str, Any], message: str
) -> None:
    for make in (lambda: kind(**values), lambda: validated(kind, values)):
        with pytest.raises(UserError) as raised:
            make()
        assert str(raised.value) == message


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"floors": 0}, "house.floors: must be at least 1, got 0"),
        ({"moats": -1}, "house.moats: must be at least 0, got -1"),
        ({"mots": 1}, "house.mots: no such setting of castles; did you mean 'house.moats'?"),
    ],
)
def test_a_plain_dataclass_that_inherits_is_validated(values: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError) as raised:
        validated(Castle, values, owner="castles")
    assert str(raised.value) == message
    assert validated(Castle, {"floors": 3, "moats": 2}) == Castle(floors=3, moats=2)


def test_another_section_can_be_named() -> None:
    with pytest.raises(UserError, match=r"^street\[0\]\.floors: must be"):
        validated(House, {"floors": 0}, section="street[0]")


def test_replacing_a_value_validates_it() -> None:
    assert replace(House(), floors=3) == House(floors=3)
    with pytest.raises(UserError, match=r"house\.floors: must be at least 1, got 0"):
        replace(House(), floors=0)


def test_settings_are_a_frozen_dataclass_of_plain_values() -> None:
    house = House(gardens=[{"trees": 2}])  # type: ignore[arg-type]
    assert asdict(house)["gardens"] == ({"trees": 2},)
    with pytest.raises(AttributeError):
        house.floors = 3  # type: ignore[misc]
