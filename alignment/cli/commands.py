"""The commands, their arguments and their exit codes."""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version

from social_sandbox.envs.errors import UserError

from ..runtime.arguments import ArgumentParser
from ..runtime.signals import Terminated
from .messages import exit_code, nearest, print_error
from .quiet import quiet_libraries

COMPLETION = ("-sc", "--shell-completion")
"""Hydra's options for completion."""

# Everything else is imported where it is needed: `--help` should not wait for it.
COMMANDS = {
    "run": "simulate, data, align, evaluate and figures, one after the other",
    "simulate": "let the society talk; writes simulation/interactions.jsonl",
    "merge": "one simulation out of shards, FOLDERS; see simulate shard=1/8 and merge --help",
    "data": "make rated groups out of interactions and other sources; writes data/groups.jsonl",
    "export": "write the groups as a data set, or logs, to=FORMAT; writes export/",
    "align": "train the base model on the groups; writes alignment/model",
    "evaluate": "compare base and aligned model on held-out questions, or benchmarks=NAMES",
    "compare": "benchmark results of several models side by side; see compare --help",
    "show": "print interactions, groups and answers in the terminal; see show --help",
    "figures": "draw what there is; writes figures/",
    "reproduce": "an experiment of the paper: its runs, one table, one figure; reproduce --help",
    "online": "simulate and align in turn, cycles times; each society played by the last model",
    "observer": "fit the head of the embedded observer to preferences; see observer --help",
    "view": "show runs in the browser; writes page/index.html; see view --help",
    "rate": "let people judge answers, in the browser; see rate --help",
    "bench": "measure how fast everything is here; see bench --help",
    "gpu-memory": "expected memory of each GPU in training, by model; see gpu-memory --help",
    "sweeps": "list sweeps for wandb; sweeps NAME: its file, for wandb sweep",
    "policies": "list who can play: policies of this project and of installed packages",
}
"""What each command does."""

EXAMPLES = """\
Every setting is a Hydra override, for example:
  social-sandbox run env.grid_size=6 policy.model=PATH output_dir=runs/six
  social-sandbox simulate policy=scripted observer=scripted embedder=hashing
  social-sandbox export to=preference format=parquet
  social-sandbox evaluate model=embedded benchmarks=all data_dir=FOLDER limit=100
  social-sandbox run --multirun method.margin=1,10 output_dir=runs/margins
  social-sandbox run experiment=norms output_dir=runs/norms
  social-sandbox reproduce methods scale=small jobs=2
  wandb sweep $(social-sandbox sweeps margin)

A complete stage is not run again; an interrupted one is resumed.
All settings and groups: social-sandbox run --help"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        argv: The command and its arguments; None: those of this process.

    Returns:
        The exit code: 0 for success; 2 for an error that the user can correct, which is printed in
        one line; 3 if a budget is spent; 130 for Ctrl-C and 143 for SIGTERM.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    # A `_target_` may name a module in the current folder.
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    parser = _parser()
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        parser.print_help()
        return 0 if arguments else 2
    try:
        if arguments[0] in COMPLETION:
            from .completion import complete

            complete(arguments, COMMANDS)
            return 0
        if not arguments[0].startswith("-") and arguments[0] not in COMMANDS:
            raise UserError(f"no command {arguments[0]!r}{nearest(arguments[0], COMMANDS)}")
        # The rest is left to Hydra, or to a command with a parser of its own.
        options, rest = parser.parse_known_args(arguments)
        options.run(options, rest)
    except KeyboardInterrupt as stopped:
        print_error("stopped; nothing is lost: the same command goes on from here")
        return 143 if isinstance(stopped, Terminated) else 130
    except Exception as error:
        code = exit_code(error, arguments[1:], COMMANDS)
        if code is None:
            raise
        return code
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = ArgumentParser(
        prog="social-sandbox",
        usage="social-sandbox COMMAND [setting=value ...]",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("-V", "--version", action="version", version=version("social-sandbox"))
    commands = parser.add_subparsers(
        title="commands", metavar="COMMAND", dest="command", required=True, prog="social-sandbox"
    )
    for name, description in COMMANDS.items():
        has_help = name in ("policies", "sweeps")
        command = commands.add_parser(
            name, help=description, description=description, add_help=has_help, allow_abbrev=False
        )
        command.set_defaults(run=_FUNCTIONS.get(name, _run_job))
        if name == "sweeps":
            command.add_argument("name", nargs="?", help="print the path of this sweep's file")
    return parser


def _run_job(options: argparse.Namespace, overrides: Sequence[str]) -> None:
    from social_sandbox.policies.terminal import Terminal

    from .help import print_help
    from .jobs import run_job

    words = [word for word in overrides if word not in ("-h", "--help")]
    if len(words) < len(overrides):
        description = COMMANDS[options.command]
        print_help(options.command, description, words, Terminal(highlight=False))
        return
    run_job(options.command, overrides)


def _list_sweeps(options: argparse.Namespace, rest: Sequence[str]) -> None:
    from social_sandbox.policies.terminal import Terminal

    from ..runtime.tables import table
    from .sweeps import first_comment, sweep_file, sweep_files

    _refuse(rest, "social-sandbox sweeps [NAME]")
    if options.name is not None:
        # Only the path, for: wandb sweep $(social-sandbox sweeps NAME)
        print(sweep_file(options.name))
        return
    made = table(
        *("sweep", "what"), title="wandb sweep $(social-sandbox sweeps NAME)", whole=("sweep",)
    )
    for name, path in sweep_files().items():
        made.add_row(name, first_comment(path))
    Terminal().print(made)


def _list_policies(options: argparse.Namespace, rest: Sequence[str]) -> None:
    from social_sandbox.policies import registry
    from social_sandbox.policies.terminal import Terminal

    from ..runtime.tables import table

    _refuse(rest, "social-sandbox policies")
    title = "Policies; those without a package are of social-sandbox"
    made = table("policy=", "what", "package", title=title, whole=("policy=",))
    for policy in registry.installed():
        own = policy.origin == "social-sandbox"
        made.add_row(policy.name, policy.target, "" if own else policy.origin)
    Terminal().print(made)


def _refuse(rest: Sequence[str], usage: str) -> None:
    if rest:
        raise UserError(f"{rest[0]!r} is too much; usage: {usage}")


def _measure_speed(options: argparse.Namespace, rest: Sequence[str]) -> None:
    quiet_libraries()
    from ..speed import main

    main.main(rest)


def _tell_gpu_memory(options: argparse.Namespace, rest: Sequence[str]) -> None:
    quiet_libraries()
    from ..training.memory import table

    table.main(rest)


def _compare(options: argparse.Namespace, rest: Sequence[str]) -> None:
    quiet_libraries()
    from ..evaluation.benchmarks.results import main

    main.main(rest)


def _fit_observer(options: argparse.Namespace, rest: Sequence[str]) -> None:
    quiet_libraries()
    from ..observer import main

    main.main(rest)


def _reproduce(options: argparse.Namespace, rest: Sequence[str]) -> None:
    from .reproduce import reproduce_command

    reproduce_command(rest)


def _rate(options: argparse.Namespace, rest: Sequence[str]) -> None:
    quiet_libraries()
    if rest[:1] == ["report"]:
        from ..reporting.people import main as report

        report.main(rest[1:])
        return
    from ..evaluation.people import main

    main.main(rest)


def _view(options: argparse.Namespace, rest: Sequence[str]) -> None:
    quiet_libraries()
    from ..reporting.page import command

    command.main(rest)


def _merge(options: argparse.Namespace, rest: Sequence[str]) -> None:
    from ..stages.society import merge

    merge.main(rest)


def _show(options: argparse.Namespace, rest: Sequence[str]) -> None:
    from ..show import main

    main.main(rest)


_FUNCTIONS = {
    "bench": _measure_speed,
    "compare": _compare,
    "gpu-memory": _tell_gpu_memory,
    "merge": _merge,
    "observer": _fit_observer,
    "policies": _list_policies,
    "rate": _rate,
    "reproduce": _reproduce,
    "show": _show,
    "sweeps": _list_sweeps,
    "view": _view,
}
"""Commands that are no jobs with settings."""
