"""One learner in a society of fixed policies: plain Gymnasium."""

import gymnasium
import numpy as np

import social_sandbox.policies  # noqa: F401  (registers social_sandbox/Solo-v0)

env = gymnasium.make("social_sandbox/Solo-v0", grid_size=2, n_rounds=2)
seen, info = env.reset(seed=0)
total, over = 0.0, False
while not over:
    action = {"text": f"About {seen['question']}: be kind.", "rating": np.array(5.0)}
    seen, reward, terminated, truncated, info = env.step(action)
    total, over = total + reward, terminated or truncated
print(f"{len(env.unwrapped.world.interactions)} interactions, the learner was paid {total:+.2f}")
