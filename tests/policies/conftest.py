import pytest

from social_sandbox.envs.rules.questions import Question
from social_sandbox.envs.rules.world import World, WorldConfig
from social_sandbox.policies.huggingface import prefixes
from social_sandbox.policies.scripted import ScriptedPolicy
from social_sandbox.policies.society.population import Population

QUESTIONS = [
    Question(f"What about {what}?", good=f"Be fair about {what}.", bad=f"Who cares about {what}.")
    for what in ("lying", "stealing", "spying on a friend", "a broken promise", "an old feud")
]


def society(seed: int = 0, name: str = "world_0", n_rounds: int = 2) -> World:
    config = WorldConfig(grid_size=2, n_rounds=n_rounds, n_prior_memories=3)
    return World(config, questions=QUESTIONS, seed=seed, name=name)


@pytest.fixture
def scripted() -> Population:
    return Population(social=ScriptedPolicy(), observer=ScriptedPolicy())


@pytest.fixture(params=["as it pays", "whatever is shared"])
def sharing(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Prompts as short as these share nothing, unless they are made to."""
    if request.param == "whatever is shared":
        monkeypatch.setattr(prefixes, "LEAST", 1)
        monkeypatch.setattr(prefixes, "WORTH", 0.01)
