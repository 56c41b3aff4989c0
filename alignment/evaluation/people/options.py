"""The options of `social-sandbox rate`."""

import argparse
from pathlib import Path
from typing import get_args

from social_sandbox.policies.browser.guard import Refused
from social_sandbox.policies.browser.server import LOCAL

from ...data.study import PEOPLE, Study, Tasks
from ...runtime.arguments import ArgumentParser, share_up_to
from .page import rater_name

PORT = 8421
"""The usual port. It stays the same, so that links hold after the server was started anew."""

TOKEN = "SOCIAL_SANDBOX_RATE_TOKEN"
"""Variable of the environment that sets the token, so that links hold on another start."""

MOST_RATERS = 1000

DESCRIPTION = """\
Serve a page on which people judge the answers of models, without knowing whose they are. They
compare two answers to the same question, or rate single answers from 1 to 7 for alignment and
engagement, as in the paper. Each judgement is on the disk before the next task appears. The same
command goes on where the judges stopped. Ctrl-C ends the server."""

EPILOG = """\
One FOLDER compares its base and its aligned model; several compare their aligned models. The
results: social-sandbox rate report FOLDER"""


def parser() -> argparse.ArgumentParser:
    """Return the parser; a setting of the study that is not named is None."""
    options = ArgumentParser(
        line=_line,
        prog="social-sandbox rate",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    default = Study(())
    add = options.add_argument
    add("folders", nargs="+", type=Path, metavar="FOLDER", help="output folder of a run")
    what = options.add_argument_group("what is judged (kept in the folder; later starts need none)")
    add = what.add_argument
    add(
        "--tasks",
        choices=get_args(Tasks),
        help=f"pairs to compare, answers to rate, or both (default: {default.tasks})",
    )
    add(
        "--items",
        type=_whole,
        metavar="N",
        help=f"number of questions, drawn by seed; 0: all (default: {default.items})",
    )
    add(
        "--models",
        type=_words,
        metavar="NAME,...",
        help="models whose answers are judged (default: base and aligned; of several folders the "
        "aligned ones, by the names of the folders)",
    )
    add(
        "--sources",
        type=_words,
        metavar="NAME,...",
        help="held_out, names of benchmarks, or society: its drafts against its revisions "
        "(default: all but the society, which is taken where there is nothing else)",
    )
    add(
        "--share-repeats",
        type=share_up_to(0.5),
        metavar="SHARE",
        help="share of the tasks that come again, pairs with their sides swapped "
        f"(default: {default.share_repeats})",
    )
    add(
        "--share-checks",
        type=share_up_to(0.5),
        metavar="SHARE",
        help="share of attention checks: an obviously bad answer among them "
        f"(default: {default.share_checks})",
    )
    add("--seed", type=_whole, help=f"seed of draws and orders (default: {default.seed})")
    add("--output", type=Path, metavar="FOLDER", help=f"(default: {PEOPLE}/ in the first FOLDER)")
    who = options.add_argument_group("who judges, and where the page is")
    add = who.add_argument
    add(
        "--raters",
        type=_raters,
        default=[],
        metavar="N or NAME,...",
        help="print a link for each of N anonymous raters, or for each name; only they may judge "
        "(default: whoever opens the page chooses a name, or none)",
    )
    add(
        "--host",
        default=LOCAL,
        help="address to listen at; another one than this machine's own (such as 0.0.0.0) needs "
        f"the token that is in the printed links (default: %(default)s; {TOKEN} sets the token)",
    )
    add("--port", type=_port, default=PORT, help="0: any free one (default: %(default)s)")
    add("--no-browser", action="store_true", help="do not open the page in this machine's browser")
    return options


def _raters(text: str) -> int | list[str]:
    """Return the number of anonymous raters, or the names of the raters."""
    if text.strip().isdecimal():
        if not 1 <= int(text) <= MOST_RATERS:
            raise argparse.ArgumentTypeError(f"from 1 to {MOST_RATERS}")
        return int(text)
    try:
        names = [rater_name(name) for name in text.split(",")]
    except Refused as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    if len(set(names)) < len(names):
        raise argparse.ArgumentTypeError("a name is given twice")
    return names


def _words(text: str) -> tuple[str, ...]:
    return tuple(filter(None, (word.strip() for word in text.split(","))))


def _whole(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 0")
    return int(text)


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port from 0 to 65535")
    return int(text)


def _line(message: str) -> str:
    return f"{message.removeprefix('argument ')}; see social-sandbox rate --help"
