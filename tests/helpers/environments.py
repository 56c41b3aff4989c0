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
        seen, reward, terminated, truncated, info = env.last()
        ended = terminated or truncated
        yield agent, seen, reward, ended, info
        env.step(None if ended else to_action(chat(info["seed"], seen["phase"])))


def spoken(seen, infos):
    return {
        agent: to_action(chat(info["seed"], seen[agent]["phase"]))
        for agent, info in infos.items()
        if "seed" in info
    }


def play_parallel(env, **reset):
    """Play to the end; yields what `step` returns."""
    seen, infos = env.reset(**reset)
    while env.agents:
        result = env.step(spoken(seen, infos))
        seen, infos = result[0], result[-1]
        yield result
