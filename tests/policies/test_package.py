import doctest
import subprocess
import sys
from importlib import import_module

import pytest

import social_sandbox.policies

ROOMS = ("huggingface", "learning", "openai", "prompts", "society", "solo", "value_model")


def test_the_example_of_the_package_documentation_works() -> None:
    result = doctest.testmod(social_sandbox.policies)
    assert result.attempted > 5
    assert result.failed == 0


@pytest.mark.parametrize("package", ["policies", *(f"policies.{room}" for room in ROOMS)])
def test_every_public_name_exists(package: str) -> None:
    module = import_module(f"social_sandbox.{package}")
    assert module.__all__
    for name in module.__all__:
        assert hasattr(module, name), name


def test_importing_policies_loads_no_language_model_library() -> None:
    code = (
        "import sys, social_sandbox.policies;"
        "heavy = {'torch', 'transformers', 'sentence_transformers', 'openai', 'wandb'};"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd="/")
