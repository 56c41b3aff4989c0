"""The experiments by name.

A new one is a file in `paper`, a line here and a file in `configs/experiment`.
"""

from social_sandbox.envs.errors import UserError

from .experiment import Experiment
from .paper import (
    adversarial,
    data,
    loss,
    methods,
    models,
    pareto,
    reinforcement,
    roles,
    society,
)

EXPERIMENTS: dict[str, Experiment] = {
    module.EXPERIMENT.name: module.EXPERIMENT
    for module in (
        methods,
        loss,
        data,
        models,
        adversarial,
        pareto,
        society,
        roles,
        reinforcement,
    )
}


def find_experiment(name: str) -> Experiment:
    """Return an experiment.

    Raises:
        UserError: There is no such experiment; the message lists all.
    """
    if name not in EXPERIMENTS:
        raise UserError(f"reproduce: no experiment {name!r}; there are {', '.join(EXPERIMENTS)}")
    return EXPERIMENTS[name]
