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
    from .alignment import Alignment as Alignment
    from .alignment import align as align
    from .benchmarks import benchmark as benchmark
    from .context import Context as Context
    from .evaluation import Evaluation as Evaluation
    from .evaluation import evaluate as evaluate
    from .figures import draw_figures as draw_figures
    from .online import run_online as run_online
    from .run import run_all as run_all
    from .settings import Settings as Settings
    from .settings import compose_settings as compose_settings
    from .settings import read_settings as read_settings
    from .simulation import Simulation as Simulation
    from .simulation import simulate as simulate
    from .training_data import TrainingData as TrainingData
    from .training_data import export as export
    from .training_data import make_data as make_data

_PLACES = {
    "Alignment": "alignment",
    "Context": "context",
    "Evaluation": "evaluation",
    "Settings": "settings",
    "Simulation": "simulation",
    "TrainingData": "training_data",
    "align": "alignment",
    "benchmark": "benchmarks",
    "compose_settings": "settings",
    "draw_figures": "figures",
    "evaluate": "evaluation",
    "export": "training_data",
    "make_data": "training_data",
    "read_settings": "settings",
    "run_all": "run",
    "run_online": "online",
    "simulate": "simulation",
}
__all__ = list(_PLACES)

__getattr__ = on_use(__name__, _PLACES)
