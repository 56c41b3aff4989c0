"""Imports of modules that were moved go on."""

from importlib import import_module
from pathlib import Path

import pytest

from social_sandbox import alignment, envs, policies
from social_sandbox.envs.moved import _FINDER


def test_a_name_of_a_former_module_is_that_of_its_new_place() -> None:
    with pytest.warns(DeprecationWarning, match="alignment.training.batches.encoding"):
        from social_sandbox.alignment.collate import encode, pad_token_id
    from social_sandbox.alignment.training.batches import batching, encoding

    assert encode is encoding.encode
    assert pad_token_id is batching.pad_token_id


def test_a_module_that_never_was_is_not_found() -> None:
    with pytest.raises(ModuleNotFoundError):
        import_module("social_sandbox.policies.never_was")


def test_a_name_that_never_was_is_none_of_the_former_module() -> None:
    with (
        pytest.warns(DeprecationWarning, match="training.batches.packing"),
        pytest.raises(ImportError, match="NeverWas"),
    ):
        from social_sandbox.alignment.packing import NeverWas  # noqa: F401


FORMER = [
    name
    for name in _FINDER.places
    if name.startswith((alignment.__name__, envs.__name__, policies.__name__))
]


@pytest.mark.parametrize("former", FORMER)
def test_every_new_place_is_there(former: str) -> None:
    root = Path(__file__).parents[2]
    for place in _FINDER.places[former]:
        path = root.joinpath(*place.split(".")[1:])
        assert path.with_suffix(".py").exists() or (path / "__init__.py").exists(), place
        assert not root.joinpath(*former.split(".")[1:]).with_suffix(".py").exists()
