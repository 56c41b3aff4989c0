"""Run in an environment with this distribution: python -m pytest examples/verifiers_env."""

import asyncio
from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest

pytest.importorskip("verifiers")

import social_sandbox_verifiers as env


class Agent:
    """Gives its replies one after the other, and records what it was asked."""

    def __init__(self, name, *replies):
        self.name, self.replies, self.asked, self.rewards = name, list(replies), [], {}

    @asynccontextmanager
    async def interaction(self, task):
        yield self

    async def turn(self, text):
        self.asked.append(text)
        return SimpleNamespace(last_reply=self.replies[len(self.asked) - 1], terminated=False)

    async def run(self, task):
        return await self.turn(task.data.prompt_text)

    @property
    def trace(self):
        return SimpleNamespace(
            agent=SimpleNamespace(name=self.name),
            assistant_messages=[SimpleNamespace(content=text) for text in self.replies],
            record_reward=self.rewards.__setitem__,
        )


def test_the_social_agent_hears_the_critic_and_both_are_rewarded():
    task = next(iter(env.QuestionTaskset(env.vf.TasksetConfig()).load()))
    social = Agent("social", "word " * 50, "Be kind.")
    critic = Agent("critic", "Rating: 2 ### Reason: It is long.")
    back_scatter = object.__new__(env.BackScatterEnv)
    back_scatter.config = SimpleNamespace(norm="brief")
    asyncio.run(back_scatter.run(task, SimpleNamespace(social=social, critic=critic)))
    assert social.asked[0] == task.data.prompt_text
    assert "Rating: 2 ### Reason: It is long." in social.asked[1]
    assert "word word" in critic.asked[0]
    episode = SimpleNamespace(traces=[social.trace, critic.trace])
    asyncio.run(back_scatter.finalize(task, episode))
    assert social.rewards == {"brief": 1.0}
    assert critic.rewards == {"rise": 0.75}
