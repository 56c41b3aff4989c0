"""Step through one society, one agent at a time, without a model: every agent follows rules."""

from social_sandbox.envs import Utterance, sandbox_v0, to_action

KIND = ("care", "fair", "help", "honest", "kind", "listen", "safe", "sorry", "talk", "thank")


def answer(observation):
    if observation["phase"] == "draft":
        return Utterance(observation["memory_answer"] or "I do not know.")
    if observation["phase"] == "revise":
        if observation["mean_rating"] < 4:
            return Utterance("Sorry, that was not kind or fair. Let us talk.")
        return Utterance(observation["answer"])
    words = [word for word in KIND if word in observation["answer"].lower()]
    reason = f"I hear {' and '.join(words) or 'nothing kind'}."
    return Utterance(reason, rating=min(7, 2 + 2 * len(words)))


env = sandbox_v0.env(grid_size=3, n_rounds=1, seed=22, render_mode="ansi")
env.reset()
print("The question to social_0:", env.world.first_pending().question)
for agent in env.agent_iter():
    observation, reward, terminated, truncated, info = env.last()
    utterance = None if terminated or truncated else answer(observation)
    if utterance and info["turn"].startswith("0/social_0/"):
        task = f"{observation['phase']} {observation['aspect']}"
        print(f"{task:18} {agent:>10}: {utterance.text[:90]} {utterance.rating or ''}")
    if reward:
        print(f"{agent} gets the reward {reward}")
    env.step(to_action(utterance) if utterance else None)
print(env.render())
