"""Your own agent in a society: a function is enough, or an object, sync or async."""

import asyncio

from social_sandbox.envs import Phase, Turn, Utterance, World, WorldConfig
from social_sandbox.policies import Population, ScriptedPolicy, rollout
from social_sandbox.policies.testing import check_policy


def polite(turn: Turn) -> str:
    """One turn in, one text out; a rating is read out of the text where one is asked for."""
    if turn.phase in (Phase.FEEDBACK, Phase.OBSERVE):
        return "Rating: 6 ### Reason: It could be kinder."
    return f"With respect: {turn.question}"


class Thinker:
    """An object with `act`; async, as if somebody else's computer did the thinking."""

    name = "thinker"
    max_concurrency = 8

    async def act(self, turn: Turn) -> Utterance:
        await asyncio.sleep(0.001)
        if turn.phase in (Phase.FEEDBACK, Phase.OBSERVE):
            return Utterance("I thought about it.", rating=4.5)
        return Utterance(f"I thought about {turn.question.lower()}")


print("wrong with polite:", check_policy(polite) or "nothing")
print("wrong with Thinker:", check_policy(Thinker()) or "nothing")
for name, agent in {"polite": polite, "thinker": Thinker()}.items():
    worlds = [World(WorldConfig(grid_size=2, n_rounds=1), seed=n, name=f"w{n}") for n in range(2)]
    done = rollout(worlds, Population(social=agent, observer=ScriptedPolicy()))
    print(f"{name}: {len(done)} interactions; the first revision: {done[0].revision.text[:60]!r}")
