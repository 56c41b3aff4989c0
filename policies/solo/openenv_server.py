"""Solo-v0 as an environment of OpenEnv: a server with sessions side by side, and its client.

`python -m social_sandbox.policies.solo.openenv_server --port 8000` serves it; `make_app` makes the
application with settings of your own. A reset with a seed begins the society of that seed.
"""

import argparse
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from openenv.core import EnvClient
from openenv.core.client_types import StepResult
from openenv.core.env_server.http_server import create_app
from openenv.core.env_server.interfaces import Environment
from openenv.core.env_server.types import (
    Action,
    EnvironmentMetadata,
    Observation,
    State,
)

from social_sandbox.envs.errors import UserError

from ..society.solo import SoloEnv


class Said(Action):  # type: ignore[misc]
    """What the learner says in its turn; a rating of 0 is none."""

    text: str = ""
    rating: float = 0.0


class Shown(Observation):  # type: ignore[misc]
    """The learner's turn; the fields are those of the sandbox's observations."""

    role: str
    phase: str
    aspect: str
    question: str
    answer: str
    feedback: str
    mean_rating: float
    memory_question: str
    memory_answer: str


class SoloEnvironment(Environment[Said, Shown, State]):  # type: ignore[misc]
    """One learner in a society of fixed policies; each session has an environment of its own."""

    SUPPORTS_CONCURRENT_SESSIONS = True

    def __init__(self, **settings: Any) -> None:
        """Create the environment.

        Args:
            **settings: Settings of `SoloEnv`.

        Raises:
            UserError: A setting does not exist or is out of its range.
        """
        super().__init__()
        self._env = SoloEnv(**settings)
        self._state = State(episode_id=str(uuid4()), step_count=0)

    def reset(self, seed: int | None = None, episode_id: str | None = None, **others: Any) -> Shown:
        """Begin the society of a seed; without one, that which follows from the last."""
        observation, info = self._env.reset(seed=seed)
        self._state = State(episode_id=episode_id or str(uuid4()), step_count=0)
        return self._shown(observation, None, False, info)

    def step(self, action: Said, timeout_s: float | None = None, **others: Any) -> Shown:
        """Answer the learner's turn.

        Raises:
            ValueError: The action is outside its space, or the episode is over.
        """
        said = {"text": action.text, "rating": action.rating}
        try:
            observation, reward, terminated, truncated, info = self._env.step(said)
        except (UserError, AttributeError) as error:
            # The server answers with the text of a ValueError.
            raise ValueError(str(error)) from error
        self._state.step_count += 1
        return self._shown(observation, float(reward), terminated or truncated, info)

    @property
    def state(self) -> State:
        """The id of the episode, and the number of steps so far."""
        return self._state

    def get_metadata(self) -> EnvironmentMetadata:
        """Return what the server says of the environment."""
        return EnvironmentMetadata(
            name="social_sandbox_solo",
            description="One learner drafts, hears its peers, revises and is rated in a society.",
            version="0",
        )

    def _shown(
        self, observation: dict[str, Any], reward: float | None, done: bool, info: dict[str, Any]
    ) -> Shown:
        values = {**observation, "mean_rating": float(observation["mean_rating"])}
        return Shown(**values, reward=reward, done=done, metadata=dict(info))


class SoloClient(EnvClient[Said, Shown, State]):  # type: ignore[misc]
    """Plays on a server: `with SoloClient(base_url=URL).sync() as env: env.reset(seed=0)`."""

    def _step_payload(self, action: Said) -> dict[str, Any]:
        return {"text": action.text, "rating": action.rating}

    def _parse_result(self, payload: dict[str, Any]) -> StepResult[Shown]:
        shown = dict(payload["observation"])
        shown |= {"done": payload.get("done", False), "reward": payload.get("reward")}
        shown["metadata"] = payload.get("metadata") or shown.get("metadata") or {}
        return StepResult(observation=Shown(**shown), reward=shown["reward"], done=shown["done"])

    def _parse_state(self, payload: dict[str, Any]) -> State:
        return State(**payload)


def make_app(*, sessions: int = 16, **settings: Any) -> Any:
    """Return the application of a server.

    Args:
        sessions: The largest number of sessions side by side.
        **settings: Settings of `SoloEnv`.

    Raises:
        UserError: A setting does not exist or is out of its range.
    """
    SoloEnv(**settings)
    return create_app(
        lambda: SoloEnvironment(**settings),
        Said,
        Shown,
        env_name="social_sandbox_solo",
        max_concurrent_envs=sessions,
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve Solo-v0 on an address."""
    parser = argparse.ArgumentParser(description="Serve Solo-v0 as an environment of OpenEnv.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--sessions", type=int, default=16, help="largest number of sessions")
    parser.add_argument("--grid-size", type=int, default=2, help="side length of the grid")
    parser.add_argument("--rounds", type=int, default=1, help="number of rounds")
    given = parser.parse_args(arguments)
    import uvicorn

    app = make_app(sessions=given.sessions, grid_size=given.grid_size, n_rounds=given.rounds)
    uvicorn.run(app, host=given.host, port=given.port)


if __name__ == "__main__":
    main()
