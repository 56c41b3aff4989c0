"""The command `social-sandbox view`: write the page of runs, and serve it."""

import argparse
import threading
import time
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from social_sandbox.envs.errors import UserError
from social_sandbox.policies.browser.server import LOCAL, files, serve
from social_sandbox.policies.terminal import Terminal

from ...runtime.arguments import ArgumentParser

if TYPE_CHECKING:
    from .write import Page

EXAMPLES = """\
examples:
  social-sandbox view runs/demo                     writes runs/demo/page and opens it
  social-sandbox view runs/demo --no-serve          only writes it: open page/index.html
  social-sandbox view runs/one runs/two             runs side by side
  social-sandbox view runs/demo --follow            while the simulation runs
  social-sandbox view interactions.jsonl --output page"""

_EVERY_S = 1.0
"""How often a page that follows looks for something new; after a slow update it waits longer."""


def main(arguments: Sequence[str]) -> None:
    """Write the page and, unless told otherwise, serve it until Ctrl-C.

    Raises:
        UserError: An argument is wrong, or the page cannot be written or served.
    """
    options = _options(arguments)
    # Only now: the help text should not wait for it.
    from .folders import newest_run
    from .write import Page

    folders = options.folders or [newest_run(Path())]
    page = Page(folders, options.output, following=options.follow)
    console = Terminal(stderr=True)
    _update_with_progress(page, console)
    print(page.index, flush=True)
    if not options.serve and not options.follow:
        return
    stop, follower = threading.Event(), None
    if options.follow:
        follower = threading.Thread(target=_follow, args=(page, stop, console), daemon=True)
        follower.start()
    try:
        if options.serve:
            serve(files(page.target), LOCAL, options.port, open_browser=options.browser)
        else:
            while not stop.wait(_EVERY_S):
                pass
    except KeyboardInterrupt as stopped:
        if type(stopped) is not KeyboardInterrupt:
            raise
    finally:
        stop.set()
        if follower is not None:
            follower.join()
            page.stop_following()
    print(f"stopped; {page.index} opens without a server")


def _follow(page: "Page", stop: threading.Event, console: Terminal) -> None:
    """Bring a page up to date until `stop` is set; what goes wrong is said once."""
    pause, said = _EVERY_S, ""
    while not stop.wait(pause):
        begun = time.monotonic()
        try:
            page.update()
        except UserError as error:
            if str(error) != said:
                said = str(error)
                console.print(said, style="yellow", soft_wrap=True, highlight=False)
        pause = max(_EVERY_S, 2 * (time.monotonic() - begun))


def _update_with_progress(page: "Page", console: Terminal) -> None:
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
    )
    is_shown = console.is_terminal
    bar = Progress(*columns, console=console, transient=True) if is_shown else None
    with bar or nullcontext():
        if bar is None:
            page.update()
            return
        task = bar.add_task("writing the page", total=page.size)
        page.update(lambda read: bar.advance(task, read))


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = ArgumentParser(
        line="view: {}".format,
        prog="social-sandbox view",
        usage="social-sandbox view [FOLDER ...] [options]",
        description="Write FOLDER/page, which a browser opens from disk, and serve it here.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add(
        "folders",
        metavar="FOLDER",
        nargs="*",
        type=Path,
        help="output folder of a run, of a sweep or of an online job, or a file of interactions; "
        "several: runs side by side; none: the newest run in ./runs or ./outputs",
    )
    add(
        "--output",
        type=Path,
        metavar="FOLDER",
        help="folder of the page; default: page in the first folder",
    )
    add(
        "--no-serve",
        dest="serve",
        action="store_false",
        help="only write the page and print its path",
    )
    add(
        "--follow",
        action="store_true",
        help="keep the page up to date while a simulation runs, until Ctrl-C",
    )
    add("--port", type=_port, default=0, metavar="N", help="port at 127.0.0.1; default: a free one")
    add(
        "--no-browser",
        dest="browser",
        action="store_false",
        help="serve the page without opening the browser",
    )
    return parser.parse_intermixed_args(arguments)


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"must be a whole number from 0 to 65535, got {text!r}")
    return int(text)
