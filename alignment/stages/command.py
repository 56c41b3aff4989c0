"""The stage, or the stages, that a command of the command line runs."""

from importlib import import_module

from social_sandbox.envs.errors import UserError

from .context import Context

_PLACES = {
    "run": ("run", "run_all"),
    "simulate": ("steps.simulation", "simulate"),
    "data": ("steps.training_data", "make_data"),
    "export": ("steps.training_data", "export"),
    "align": ("steps.alignment", "align"),
    "figures": ("steps.figures", "draw_figures"),
    "online": ("online", "run_online"),
}
"""Module and function of each command, except `evaluate`, which has two."""


def run_command(command: str, context: Context) -> None:
    """Run what a command runs, such as `simulate`, in a context.

    Raises:
        UserError: A setting is wrong.
        BudgetReached: A budget is spent.
    """
    place = _PLACES.get(command)
    if place is None:
        # Compare models on held-out questions, or measure one on benchmarks if any are named.
        on_questions = context.settings.evaluate.benchmarks is None
        place = ("steps.benchmarks", "benchmark")
        if on_questions:
            place = ("steps.evaluation", "evaluate")
        elif context.settings.evaluate.safeguards:
            raise UserError(
                "evaluate.safeguards: are checked beside the held-out questions; evaluate "
                "benchmarks in a command of its own, or use run"
            )
    module, function = place
    # Only this stage is imported.
    getattr(import_module(f".{module}", __package__), function)(context)
