"""The command `social-sandbox rate`: serve a page on which people judge models' answers."""

import json
import os
import secrets
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from urllib.parse import urlencode

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.text.jsonl import read_text, write_whole
from social_sandbox.policies.browser.guard import Refused, is_loopback
from social_sandbox.policies.browser.server import Served, new_token, serve
from social_sandbox.policies.society.lock import locked
from social_sandbox.policies.terminal import Terminal

from ...data.study import JUDGEMENTS, PEOPLE, Item, Study, read_study, write_study
from ...runtime.signals import sigterm_stops
from .choice import chosen_study
from .options import TOKEN, parser
from .page import Judging, rater_name, rating_page
from .plan import pairs_of_models, plan

LINKS = "raters.json"
"""File with the random identifiers of the raters who got a link."""


def main(arguments: Sequence[str]) -> None:
    """Serve the page until Ctrl-C.

    Raises:
        UserError: There are no answers, an option is wrong, the port is taken, or the folder is of
            another study.
    """
    # Folders may stand before and behind options.
    options = parser().parse_intermixed_args(arguments)
    token = _token(options.host)
    output = options.output or options.folders[0] / PEOPLE
    console = Terminal(highlight=False)
    study, items = chosen_study(options, output)
    with sigterm_stops(), locked(output, "rate", "--output"):
        if read_study(output) is None:
            write_study(output, study, items)
        names = _names(options.raters, output)
        judging = Judging(output, study, items, names)
        serve(
            rating_page(judging),
            options.host,
            options.port,
            token,
            open_browser=not (options.no_browser or names),
            show=partial(_tell, console, judging, study, items, names, output),
        )
    console.print(
        f"{judging.n_judgements} judgements in {output / JUDGEMENTS}; the results: "
        f"social-sandbox rate report {options.output or options.folders[0]}",
        soft_wrap=True,
    )


def _token(host: str) -> str:
    """Return the secret that links must have; empty where only this machine can reach the page."""
    given = os.environ.get(TOKEN, "")
    if given and len(given) < 16:
        raise UserError(f"{TOKEN}: needs 16 characters at least")
    return given or ("" if is_loopback(host) else new_token())


def _names(raters: int | list[str], output: Path) -> list[str]:
    """Return the raters who may judge; anonymous ones keep their identifiers over all starts."""
    if not isinstance(raters, int):
        return raters
    path = output / LINKS
    known: list[str] = []
    if path.exists():
        try:
            known = [rater_name(str(name)) for name in json.loads(read_text(path, "--raters"))]
        except (ValueError, TypeError, Refused) as error:
            raise UserError(f"--raters: {path} is damaged") from error
    known += [f"rater-{secrets.token_hex(6)}" for _ in range(raters - len(known))]
    write_whole(path, json.dumps(known, indent=2) + "\n")
    return known[:raters]


def _tell(
    console: Terminal,
    judging: Judging,
    study: Study,
    items: Sequence[Item],
    names: Sequence[str],
    output: Path,
    server: Served,
) -> None:
    """Print what is judged, and the links."""
    what = {"pairs": "pairs", "ratings": "ratings", "both": "pairs and ratings"}[study.tasks]
    lines = [
        f"{', '.join(study.models)}: {len(items)} questions; {len(plan(study, items, ''))} "
        f"{what} for each rater",
        f"recorded in {output / JUDGEMENTS}, {judging.n_judgements} so far",
    ]
    n_same = len(items) - len(pairs_of_models(study, items)) if study.tasks != "ratings" else 0
    if n_same:
        lines.append(f"left out of the pairs: {n_same} questions with the same answers")
    # Links stand on lines of their own, so that they can be copied whole.
    lines += [server.link("/", urlencode({"rater": name})) for name in names] or [server.link()]
    lines.append("Ctrl-C ends the server")
    for line in lines:
        console.print(line, soft_wrap=True)
