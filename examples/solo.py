"""Train one learner in a society of fixed policies: a plain Gymnasium environment."""

import gymnasium

import social_sandbox.policies  # noqa: F401  (registers social_sandbox/Solo-v0)

env = gymnasium.make("social_sandbox/Solo-v0", grid_size=2, n_rounds=2)
observation, info = env.reset(seed=0)
total, done = 0.0, False
while not done:
    action = f"About {observation['question']}: be kind."
    if observation["phase"] == "feedback":
        action = "Rating: 5 ### Reason: It could be kinder."
    observation, reward, terminated, truncated, info = env.step(action)
    total, done = total + reward, terminated or truncated
interactions = env.unwrapped.world.interactions
print(f"{len(interactions)} interactions, the learner's sum of rewards is {total:+.2f}")
