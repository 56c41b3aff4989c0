"""The stage, or the stages, that a command of the command line runs."""

from importlib import import_module

from social_sandbox.envs.errors import UserError

from .context import Context

_FUNCTIONS = {
    "run": "run_all",
    "simulate": "simulate",
    "data": "make_data",
    "export": "export",
    "align": "align",
    "figures": "draw_figures",
    "online": "run_online",
}
"""Function of each command, except `evaluate`, which has two."""


def run_command(command: str, context: Context) -> None:
    """Run what a command runs, such as `simulate`, in a context.

    Raises:
        UserError: A setting is wrong.
        BudgetReached: A budget is spent.
    """
    function = _FUNCTIONS.get(command)
    if function is None:
        # Compare models on held-out questions, or measure one on benchmarks if any are named.
        on_questions = context.settings.evaluate.benchmarks is None
        function = "evaluate" if on_questions else "benchmark"
        if not on_questions and context.settings.evaluate.safeguards:
            raise UserError(
                "evaluate.safeguards: are checked beside the held-out questions; evaluate "
                "benchmarks in a command of its own, or use run"
            )
    # The package imports the module of a function when its name is used: only this stage is.
    getattr(import_module(__package__), function)(context)
