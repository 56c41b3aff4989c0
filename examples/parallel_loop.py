"""Play a society in parallel: in each step, all agents with a pending turn act at once."""

import pettingzoo

from social_sandbox.envs import Utterance, to_action


def answer(observation):
    if not observation["answer"]:
        return Utterance(observation["memory_answer"])
    # Every agent likes answers that ask for its opinion.
    text = observation["answer"] + " What do you think?"
    return Utterance(text, rating=min(7, 1 + observation["answer"].count("?")))


env = pettingzoo.make("parallel", "social_sandbox/sandbox-v0", grid_size=4, n_observers=8)
observations, infos = env.reset(seed=7)
steps = 0
while env.agents:
    actions = {
        agent: to_action(answer(observation))
        for agent, observation in observations.items()
        if observation["phase"] != "idle"
    }
    observations, rewards, terminations, truncations, infos = env.step(actions)
    steps += 1
    if total := sum(rewards.values()):
        print(f"step {steps}: {len(actions)} agents acted, the sum of rewards is {total:g}")
print(f"{len(env.world.log)} turns and {len(env.world.interactions)} interactions")
