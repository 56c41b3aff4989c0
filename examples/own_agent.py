"""Let your own agent play in a society: a function or an object, sync or async."""

import asyncio

from social_sandbox.envs import RATED_PHASES, Turn, Utterance, World, WorldConfig
from social_sandbox.policies import Population, ScriptedPolicy, rollout
from social_sandbox.policies.testing import check_policy


def polite(turn: Turn) -> str:
    """Answer one turn with a text; in rated phases the rating is read from the text."""
    if turn.phase in RATED_PHASES:
        return "Rating: 6 ### Reason: It could be kinder."
    return f"With respect: {turn.question}"


class Thinker:
    """Answers turns with an async method, as if another computer did the thinking."""

    name = "thinker"
    max_concurrency = 8

    async def act(self, turn: Turn) -> Utterance:
        """Answer one turn, since the parameter is called `turn` and not `turns`."""
        await asyncio.sleep(0.001)
        if turn.phase in RATED_PHASES:
            return Utterance("I thought about it.", rating=4.5)
        return Utterance(f"I thought about {turn.question.lower()}")


print("problems of polite:", check_policy(polite) or "none")
print("problems of Thinker:", check_policy(Thinker()) or "none")
rules = WorldConfig(grid_size=2, n_rounds=1)
for name, agent in {"polite": polite, "thinker": Thinker()}.items():
    worlds = [World(rules, seed=number, name=f"world_{number}") for number in range(2)]
    interactions = rollout(worlds, Population(social=agent, observer=ScriptedPolicy()))
    revision = interactions[0].revision.text
    print(f"{name}: {len(interactions)} interactions; the first revision: {revision[:60]!r}")
