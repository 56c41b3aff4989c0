import doctest
import importlib
import subprocess
import sys
import warnings

import social_sandbox.envs


def test_the_examples_of_the_package_documentation_work():
    result = doctest.testmod(social_sandbox.envs)
    assert result.attempted > 5
    assert result.failed == 0


def test_every_public_name_exists():
    for name in social_sandbox.envs.__all__:
        assert hasattr(social_sandbox.envs, name), name


def test_the_environment_needs_no_model_and_no_plots():
    code = (
        "import sys, social_sandbox.envs\n"
        "print(*({'torch', 'transformers', 'matplotlib', 'pygame'} & set(sys.modules)))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert loaded.stdout.split() == []


def test_a_reload_registers_nothing_twice():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        importlib.reload(social_sandbox.envs)
