"""Small environments for the tests, and loops that play them to their end."""

from social_sandbox.envs import sandbox_v0, to_action

from .societies import QUESTIONS, chat

SETTINGS = {"questions": QUESTIONS, "grid_size": 2, "n_peers": 2}


def aec(**settings):
    return sandbox_v0.env(**(SETTINGS | settings))


def parallel(**settings):
    return sandbox_v0.parallel_env(**(SETTINGS | settings))


def play_aec(env, steps=None):
    """Yield (agent, observation, reward, ended, info) of each step before it is taken."""
    for count, agent in enumerate(env.agent_iter()):
        if count == steps:
            return
        observation, reward, terminated, truncated, info = env.last()
        ended = terminated or truncated
        yield agent, observation, reward, ended, info
        env.step(None if ended else to_action(chat(info["seed"], observation["phase"])))


def chat_actions(observations, infos):
    """Return the action of every agent with a pending turn."""
    return {
        agent: to_action(chat(info["seed"], observations[agent]["phase"]))
        for agent, info in infos.items()
        if "seed" in info
    }


def play_parallel(env, **reset):
    """Play to the end, and yield the results of `step`."""
    observations, infos = env.reset(**reset)
    while env.agents:
        result = env.step(chat_actions(observations, infos))
        observations, infos = result[0], result[-1]
        yield result
