"""The command line: `social-sandbox COMMAND [setting=value ...]`.

Whatever a user can get wrong ends with one line and exit code 2.
"""

import difflib
import errno
import logging
import os
import re
import sys
import warnings
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import version
from importlib.resources import files

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from rich.console import Console
from rich.logging import RichHandler
from rich.table import Table

from social_sandbox.envs.errors import UserError
from social_sandbox.policies import registry
from social_sandbox.policies.society.account import BudgetReached

from .runtime.processes import in_sweep, is_first, several
from .runtime.signals import Terminated, sigterm_stops
from .stages.sweeps import (
    as_hydra_overrides,
    begin_point,
    first_comment,
    summarise,
    sweep_file,
    sweep_files,
    swept,
)

COMMANDS = {
    "run": "simulate, data, align, evaluate and figures, one after the other",
    "simulate": "let the society talk; writes simulation/interactions.jsonl",
    "data": "make rated groups out of interactions and other sources; writes data/groups.jsonl",
    "export": "write the groups as a data set, to=FORMAT; writes export/",
    "align": "train the base model on the groups; writes alignment/model",
    "evaluate": "compare base and aligned model on held-out questions, or benchmarks=NAMES",
    "compare": "benchmark results of several models side by side; see compare --help",
    "figures": "draw what there is; writes figures/",
    "online": "simulate and align in turn, cycles times; each society played by the last model",
    "bench": "measure how fast everything is here; see bench --help",
    "sweeps": "list sweeps for wandb; sweeps NAME: its file, for wandb sweep",
    "policies": "list who can play: policies of this project and of installed packages",
}

USAGE = """social-sandbox COMMAND [setting=value ...]

{commands}

Every setting is a Hydra override, for example:
  social-sandbox run env.grid_size=6 policy.model=PATH output_dir=runs/six
  social-sandbox simulate policy=scripted observer=scripted embedder=hashing
  social-sandbox export to=preference format=parquet
  social-sandbox evaluate model=embedded benchmarks=all data_dir=FOLDER limit=100
  social-sandbox run --multirun method.margin=1,10 output_dir=runs/margins
  wandb sweep $(social-sandbox sweeps margin)

A complete stage is not run again; an interrupted one goes on where it was.
All settings and groups: social-sandbox run --help"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code.

    0 if it did all; 2 for what a user can mend; 3 where a budget is spent; 130 for Ctrl-C and 143
    for SIGTERM.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        listed = "\n".join(f"  {name:<9} {what}" for name, what in COMMANDS.items())
        print(USAGE.format(commands=listed))
        return 0 if arguments else 2
    if arguments[0] in ("-V", "--version"):
        print(version("social-sandbox"))
        return 0
    command, overrides = arguments[0], arguments[1:]
    # `_target_` may name a module of the folder that one works in.
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    if command not in COMMANDS:
        return _fail(f"no command {command!r}{_nearest(command, COMMANDS)}")
    try:
        if command == "policies":
            _asked_for(overrides, 0, "social-sandbox policies")
            _list_policies()
            return 0
        if command == "bench":
            _bench(overrides)
            return 0
        if command == "sweeps":
            _list_sweeps(_asked_for(overrides, 1, "social-sandbox sweeps [NAME]"))
            return 0
        if command == "compare":
            _compare(overrides)
            return 0
        bare = _own_settings(command)
        overrides = [
            f"{command}.{o}" if o.partition("=")[0].partition(".")[0] in bare else o
            for o in overrides
        ]
        with sigterm_stops():
            _run(command, _with_policies(overrides))
    except BudgetReached as error:
        _error(f"{error}; nothing is lost: with a larger budget the same command goes on")
        return 3
    except (UserError, HydraException, OmegaConfBaseException) as error:
        return _fail(_one_line(error, overrides))
    except OSError as error:
        if error.errno not in _CANNOT_WRITE:
            raise
        return _fail(f"cannot write {error.filename or 'a file'}: {error.strerror}")
    except KeyboardInterrupt as stopped:
        _error("stopped; nothing is lost: the same command goes on from here")
        return 143 if isinstance(stopped, Terminated) else 130
    return 0


_CANNOT_WRITE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM)


def _asked_for(arguments: Sequence[str], most: int, usage: str) -> Sequence[str]:
    """What a command is to tell of; none where help is asked, which its list is."""
    if arguments and arguments[0] in ("-h", "--help"):
        return []
    if len(arguments) > most:
        raise UserError(f"{arguments[most]!r} is too much; usage: {usage}")
    return arguments


def _run(command: str, overrides: Sequence[str]) -> None:
    # Hydra prints errors its own way and exits with 1, unless it is told to let them through.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    # And it would introduce an error of the job with a line of its own.
    failures: list[Exception] = []
    sys.argv = ["social-sandbox", *overrides]

    @hydra.main(
        version_base="1.3", config_path="pkg://social_sandbox.configs", config_name="config"
    )
    def job(config: DictConfig) -> None:
        try:
            _job(command, config)
        except BudgetReached as error:
            failures.append(error)
        except (UserError, OmegaConfBaseException) as error:
            failures.append(UserError(f"{_point()}: {error}") if _is_point() else error)

    job()
    if failures:
        for failure in failures[1:]:
            _error(_one_line(failure, overrides))
        raise failures[0]


def _own_settings(command: str) -> list[str]:
    """Settings of a command's own section that need not name it: nothing else is called so."""
    everything = OmegaConf.load(str(files("social_sandbox.configs") / "config.yaml"))
    assert isinstance(everything, DictConfig)
    section = everything.get(command)
    if not section:
        return []
    # Other commands ask the society's questions, and this one its own.
    others = everything.keys() - ({"questions"} if command == "evaluate" else set())
    return [str(name) for name in section if name not in others]


def _is_point() -> bool:
    """Whether this job is one of many that differ in their settings."""
    return in_sweep() or HydraConfig.get().mode == RunMode.MULTIRUN


def _point() -> str:
    settings = swept(HydraConfig.get().overrides.task)
    return " ".join(f"{name}={value}" for name, value in settings.items())


def _list_sweeps(names: Sequence[str]) -> None:
    if names:
        # Nothing but the path: wandb sweep $(social-sandbox sweeps NAME)
        print(sweep_file(names[0]))
        return
    table = Table("sweep", "what", title="wandb sweep $(social-sandbox sweeps NAME)")
    for name, path in sweep_files().items():
        table.add_row(name, first_comment(path))
    Console().print(table)


def _bench(arguments: Sequence[str]) -> None:
    quiet_libraries()
    from .speed import main

    main.main(arguments)


def _compare(arguments: Sequence[str]) -> None:
    quiet_libraries()
    from .evaluation.benchmarks import compare

    compare.main(arguments)


def _list_policies() -> None:
    table = Table("policy=")
    for heading in ("what", "from"):
        table.add_column(heading, overflow="fold")
    for listed in registry.installed():
        table.add_row(listed.name, listed.target, listed.origin)
    Console().print(table)


def _with_policies(overrides: Sequence[str]) -> list[str]:
    """Overrides in which policies and methods of others can be named, by name or `_target_`."""
    # Lists of players and of sources are written over several lines; Hydra's grammar has none.
    given = [o.replace("\n", " ") for o in overrides]
    if in_sweep():
        given = as_hydra_overrides(given)
    for kind in registry.KINDS:
        chosen = [o.partition("=")[2] for o in given if o.startswith(f"{kind}=")]
        registry.register(*chosen)
        if not chosen and any(o.startswith(f"{kind}._target_=") for o in given):
            # The settings of another policy's class are none of its own.
            given = [f"++{o}" if o.startswith(f"{kind}.") else o for o in given]
            given.insert(0, f"{kind}=custom")
    if any(o.startswith("method._target_=") for o in given) and not any(
        o.startswith("method=") for o in given
    ):
        given = [f"++{o}" if o.startswith("method.") else o for o in given]
        given.insert(0, "method=custom")
    # What a server or a Trainer knows besides is not in our configuration.
    return [f"++{o}" if _EXTRA.match(o) else o for o in given]


_EXTRA = re.compile(r"(policy|observer|method)\.extra[.=]")


def _job(command: str, config: DictConfig) -> None:
    # Only now: `--help` and a wrong setting should not wait for torch.
    quiet_libraries()
    logs = logging.getLogger("social_sandbox")
    logs.setLevel(logging.INFO)
    if not logs.handlers:
        logs.addHandler(RichHandler(console=Console(stderr=True), show_time=False, show_path=False))
    from .reporting.wandb_run import tracked
    from .runtime.stage import make_folder
    from .stages import Context, read_settings
    from .stages.commands import JOBS
    from .stages.identity import settings_hash

    settings = read_settings(config)
    console = Console(quiet=not is_first())
    if several() and command != "align":
        raise UserError(f"{command} runs in one process; several can only align")
    everything = settings.output_dir
    make_folder(everything, "output_dir")
    if _is_point():
        settings = replace(
            settings,
            output_dir=everything / settings_hash(settings),
            beside=everything,
            # Of the points together, or each would be a group of its own.
            wandb=replace(settings.wandb, group=settings.wandb.group or everything.name),
        )
        begin_point(settings.output_dir, HydraConfig.get().overrides.task)
        # Hydra's copy of the command line, keys of policies included.
        (everything / "multirun.yaml").unlink(missing_ok=True)
        console.print(f"{settings.output_dir}: {_point()}", style="bold", markup=False)
    plain = OmegaConf.to_container(config, resolve=True)
    assert isinstance(plain, dict)
    named = {str(name): value for name, value in plain.items()}
    identity = settings_hash(settings)
    with tracked(settings.output_dir, settings.wandb, named, command, identity) as run:
        JOBS[command](Context(settings, console, run))
    if _is_point():
        console.print(f"all points so far: {summarise(everything)}")


def quiet_libraries() -> None:
    """Keep progress bars and advice of libraries out of what this program prints."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    # Some libraries have bars that nothing else switches off; read when tqdm is imported.
    os.environ.setdefault("TQDM_DISABLE", "1")
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    warnings.filterwarnings("ignore", category=FutureWarning)


def _fail(message: str) -> int:
    _error(message)
    return 2


def _error(message: str) -> None:
    Console(stderr=True).print(message, style="red", markup=False, highlight=False, soft_wrap=True)


def _one_line(error: Exception, overrides: Sequence[str]) -> str:
    """The first line of an error that says something, with the setting's likely name."""
    text = str(error).strip()
    unknown = re.search(r"Could not override '([^']+)'", text)
    if unknown:
        name = unknown[1]
        # Each method has settings of its own, and so has each policy.
        chosen = [o for o in overrides if re.match(r"(method|policy|observer|embedder)=[^,]*$", o)]
        of = "".join(f" of {o}" for o in chosen if name.startswith(f"{o.partition('=')[0]}."))
        return f"{name}: no such setting{of}{_nearest(name, _known_settings(chosen))}"
    group = re.search(r"Could not find '([^']+)'", text)
    if group and "/" in group[1]:
        name, choice = group[1].rsplit("/", 1)
        options = re.search(r"Available options in '[^']+':\n((?:\t.+\n?)+)", text)
        listed = ", ".join(options[1].split()) if options else ""
        if choice in COMMANDS:
            return f"{name}: no choice {choice!r}, which is a command: social-sandbox {choice}"
        return f"{name}: no choice {choice!r}; there are {listed}"
    return " ".join(line.strip() for line in text.split("\n")[:2])


def _nearest(word: str, known: Sequence[str] | dict[str, str]) -> str:
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else f"; there are {', '.join(known)[:300]}"


def _known_settings(chosen: Sequence[str]) -> list[str]:
    with hydra.initialize_config_module("social_sandbox.configs", version_base="1.3"):
        config = hydra.compose("config", list(chosen))
    return _names(config, "")


def _names(config: DictConfig, prefix: str) -> list[str]:
    names = []
    for name, value in config.items_ex(resolve=False):
        names.append(f"{prefix}{name!s}")
        if isinstance(value, DictConfig):
            names += _names(value, f"{names[-1]}.")
    return names


if __name__ == "__main__":
    sys.exit(main())
