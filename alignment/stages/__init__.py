"""The jobs of the command line; each is a function that a script can call.

A script makes a context out of settings, and calls the stages it wants:

    context = Context(compose_settings("policy=scripted", "output_dir=runs/mine"))
    simulation = simulate(context)
    data = make_data(context, simulation)
    alignment = align(context, data)
    evaluation = evaluate(context, alignment)
"""

from typing import TYPE_CHECKING

from social_sandbox.envs.lazy import on_use

if TYPE_CHECKING:
    from .context import Context as Context
    from .online import run_online as run_online
    from .run import run_all as run_all
    from .settings import Settings as Settings
    from .settings import compose_settings as compose_settings
    from .settings import read_settings as read_settings
    from .steps.alignment import Alignment as Alignment
    from .steps.alignment import align as align
    from .steps.benchmarks import benchmark as benchmark
    from .steps.evaluation import Evaluation as Evaluation
    from .steps.evaluation import evaluate as evaluate
    from .steps.figures import draw_figures as draw_figures
    from .steps.simulation import Simulation as Simulation
    from .steps.simulation import simulate as simulate
    from .steps.training_data import TrainingData as TrainingData
    from .steps.training_data import export as export
    from .steps.training_data import make_data as make_data

_PLACES = {
    "Alignment": "steps.alignment",
    "Context": "context",
    "Evaluation": "steps.evaluation",
    "Settings": "settings",
    "Simulation": "steps.simulation",
    "TrainingData": "steps.training_data",
    "align": "steps.alignment",
    "benchmark": "steps.benchmarks",
    "compose_settings": "settings",
    "draw_figures": "steps.figures",
    "evaluate": "steps.evaluation",
    "export": "steps.training_data",
    "make_data": "steps.training_data",
    "read_settings": "settings",
    "run_all": "run",
    "run_online": "online",
    "simulate": "steps.simulation",
}
__all__ = list(_PLACES)

__getattr__ = on_use(__name__, _PLACES)
