"""The experiments by name.

A new one is a file in `paper`, a line here and a file in `configs/experiment`.
"""

from social_sandbox.envs.errors import UserError

from .experiment import Experiment
from .paper import methods

EXPERIMENTS: dict[str, Experiment] = {each.name: each for each in (methods.EXPERIMENT,)}


def find_experiment(name: str) -> Experiment:
    """Return an experiment.

    Raises:
        UserError: There is no such experiment; the message lists all.
    """
    if name not in EXPERIMENTS:
        raise UserError(f"reproduce: no experiment {name!r}; there are {', '.join(EXPERIMENTS)}")
    return EXPERIMENTS[name]
