import doctest

import social_sandbox.envs


def test_the_examples_of_the_package_documentation_work():
    result = doctest.testmod(social_sandbox.envs)
    assert result.attempted > 5
    assert result.failed == 0


def test_every_public_name_exists():
    for name in social_sandbox.envs.__all__:
        assert hasattr(social_sandbox.envs, name), name
