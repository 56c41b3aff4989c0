"""Societies for trainers: Back-Scatters of a model that learns, as rows of tokens with rewards."""

from typing import TYPE_CHECKING

from social_sandbox.envs.lazy import on_use

if TYPE_CHECKING:
    from .learner import Generate as Generate
    from .learner import Learner as Learner
    from .play import Start as Start
    from .play import play_group as play_group
    from .play import play_groups as play_groups
    from .rewards import REWARDS as REWARDS
    from .rewards import Reward as Reward
    from .rewards import find_reward as find_reward
    from .trajectory import Span as Span
    from .trajectory import Trajectory as Trajectory

_PLACES = {
    "REWARDS": "rewards",
    "Generate": "learner",
    "Learner": "learner",
    "Reward": "rewards",
    "Span": "trajectory",
    "Start": "play",
    "Trajectory": "trajectory",
    "find_reward": "rewards",
    "play_group": "play",
    "play_groups": "play",
}
__all__ = list(_PLACES)
__getattr__ = on_use(__name__, _PLACES)
