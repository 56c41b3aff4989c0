"""Many Solo-v0 environments as one, whose fixed policies answer in batches."""

from functools import partial
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from gymnasium.vector.utils import iterate

from social_sandbox.envs.spaces.translate import Action, Observation

from ..adapt import as_policy
from ..attentive import AttentivePolicy
from ..society.solo import SoloEnv, play_others

Steps = tuple[
    Any, npt.NDArray[np.float64], npt.NDArray[np.bool_], npt.NDArray[np.bool_], dict[str, Any]
]
"""Observations, rewards, terminations, truncations and infos of all environments."""


class SoloVectorEnv(SyncVectorEnv):
    """The environments of `gymnasium.make_vec("social_sandbox/Solo-v0", num_envs=N)`.

    Seeds, observations, rewards and resets are those of a `SyncVectorEnv` of `SoloEnv`. The other
    agents of all societies answer together, so that a policy with a model gets large batches.
    """

    def __init__(
        self,
        num_envs: int = 1,
        *,
        autoreset_mode: str | AutoresetMode = AutoresetMode.NEXT_STEP,
        **settings: Any,
    ) -> None:
        """Create the environments.

        Args:
            num_envs: Number of environments.
            autoreset_mode: When a finished environment begins anew, see `SyncVectorEnv`.
            **settings: Settings of every `SoloEnv`; all of them share `others` and `observer`.

        Raises:
            UserError: A setting does not exist or is out of its range; the message names it.
        """
        toy = AttentivePolicy()
        for role in ("others", "observer"):
            # One policy object for all environments, so that its turns form one batch.
            player = settings.get(role)
            settings[role] = toy if player is None else as_policy(player)
        make = partial(_Seat, **settings)
        super().__init__([make] * num_envs, autoreset_mode=autoreset_mode)
        self._seats = cast(list[_Seat], self.envs)

    def reset(
        self,
        *,
        seed: int | list[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[Any, dict[str, Any]]:
        """Begin new societies; see `SyncVectorEnv.reset`, also for the option `reset_mask`."""
        seeds = seed if isinstance(seed, list | tuple) else [seed] * self.num_envs
        if isinstance(seed, int | np.integer):
            seeds = [int(seed) + number for number in range(self.num_envs)]
        options = dict(options or {})
        mask = options.get("reset_mask", np.ones(self.num_envs, dtype=np.bool_))
        others = {name: value for name, value in options.items() if name != "reset_mask"} or None
        if len(seeds) == len(mask) == self.num_envs:  # else the superclass names the fault
            chosen = [env for env, begins in zip(self._seats, mask, strict=True) if begins]
            for env, one in zip(self._seats, seeds, strict=True):
                if env in chosen:
                    env._begin(one, others)
                    env.is_played = True
            play_others(chosen)
        return super().reset(seed=list(seeds), options=options or None)

    def step(self, actions: Any) -> Steps:
        """Answer the turn of each environment; see `SyncVectorEnv.step`."""
        for env, action, over in zip(
            self._seats, iterate(self.action_space, actions), self._autoreset_envs, strict=True
        ):
            if over and self.autoreset_mode is AutoresetMode.NEXT_STEP:
                env._begin(None, None)
            else:
                env._answer(action)
            env.is_played = True
        play_others(self._seats)
        steps: Steps = super().step(actions)
        return steps


class _Seat(SoloEnv):
    """An environment whose others may have played on together with those of its neighbours.

    Attributes:
        is_played: Whether the next `reset` or `step` only has to return what has happened.
    """

    is_played = False

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        if not self.is_played:
            return super().reset(seed=seed, options=options)
        self.is_played = False
        return self._observation()

    def step(self, action: Action) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        if not self.is_played:
            return super().step(action)
        self.is_played = False
        return self._outcome()
