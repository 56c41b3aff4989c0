"""`social-sandbox show FOLDER [ID]`: what is recorded, as text in the terminal."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.text.texts import for_terminal
from social_sandbox.policies.terminal import Terminal

from ..data.groups import RatedGroup
from ..runtime.arguments import ArgumentParser
from ..runtime.tables import value
from .interaction import LONGEST, interaction_text, shortened
from .listing import ORDERS, Filters, answer_table, group_table, in_order, interaction_table
from .recorded import find, models, numbered, read_answers, read_data, read_society

EXAMPLES = """\
  social-sandbox show runs/demo                     the worst-rated revisions
  social-sandbox show runs/demo world_0/2/social_14 one interaction in full
  social-sandbox show runs/demo 0/2/14              the same, in short
  social-sandbox show runs/demo --sort rise --limit 5 --round 2
  social-sandbox show runs/demo group 3             the third group of the training data
  social-sandbox show runs/demo answer 8            the models' answers to a held-out question"""


def main(arguments: Sequence[str]) -> None:
    """Print a list, or one interaction, group or held-out answer.

    Raises:
        UserError: An argument is wrong, or the folder holds no such thing.
    """
    options = _options(arguments)
    console = Terminal(highlight=False)
    longest = None if options.full else LONGEST
    first, *rest = options.what or [None]
    if first in ("group", "answer"):
        if len(rest) > 1:
            raise UserError(f"show: {rest[1]!r} is too much")
        wanted = rest[0] if rest else None
        (_groups if first == "group" else _answers)(console, options, wanted, longest)
        return
    if rest:
        raise UserError(f"show: {rest[0]!r} is too much; FOLDER, and one ID or `group N`")
    interactions = read_society(options.folder)
    if first is not None:
        console.print(interaction_text(find(interactions, first), longest=longest))
        return
    filters = Filters(
        **{
            name: getattr(options, name)
            for name in ("round", "agent", "kind", "view", "text", "missing", "errors", "cut_off")
        }
    )
    chosen = [interaction for interaction in interactions if filters.admit(interaction)]
    if not chosen:
        raise UserError(f"show: none of {len(interactions)} interactions is of this kind")
    listed = in_order(chosen, options.sort, reverse=options.reverse)[: options.limit]
    end = "last" if options.reverse else "first"
    order = "as recorded" if options.sort == "recorded" else f"worst {options.sort} {end}"
    title = f"{_of(len(listed), len(chosen))} interactions, {order} (draft > revision)"
    console.print(interaction_table(listed, title))
    console.print(f"social-sandbox show {options.folder} ID: all of one", soft_wrap=True)


def _groups(
    console: Console, options: argparse.Namespace, wanted: str | None, longest: int | None
) -> None:
    groups = read_data(options.folder)
    if wanted is not None:
        _print_group(console, groups[numbered(groups, wanted, "group")], longest)
        return
    listed = groups[: options.limit]
    console.print(group_table(listed, f"{_of(len(listed), len(groups))} groups"))


def _answers(
    console: Console, options: argparse.Namespace, wanted: str | None, longest: int | None
) -> None:
    rows = read_answers(options.folder)
    if wanted is not None:
        _print_answer(console, rows[numbered(rows, wanted, "answer")], longest)
        return
    listed = rows[: options.limit]
    title = f"{_of(len(listed), len(rows))} held-out answers, mean of the ratings"
    console.print(answer_table(listed, title))


def _print_group(console: Console, group: RatedGroup, longest: int | None) -> None:
    console.print(Text(f"{group.id}  {group.kind}", style="bold"))
    for message in group.prompt:
        console.print(Text(f"\n{message.role}", style="bold"))
        _print_body(console, message.content, longest)
    rated = sorted(group.candidates, key=lambda one: -(one.rating or 0))
    for place, one in enumerate(rated, start=1):
        source = one.source
        notes = [
            f"{source.phase} by {source.agent} in {source.interaction}" if source.agent else "",
            f"rated by {one.rater}" if one.rater else "",
            "" if one.ends else "cut off by the limit of tokens",
            "" if one.valid else "not trained on",
        ]
        rating = "no rating" if one.rating is None else f"rating {one.rating:.2f}"
        console.print(Text(f"\ncandidate {place}: {rating}", style="bold"))
        line = ", ".join(filter(None, notes))
        if line:
            console.print(Padding(Text(line, style="dim"), (0, 0, 0, 2), expand=False))
        _print_body(console, one.text, longest)


def _print_answer(console: Console, row: dict[str, Any], longest: int | None) -> None:
    kind = f" ({row['kind']})" if row.get("kind") else ""
    console.print(Text(f"Question{kind}, sample {row.get('sample', 0)}", style="bold"))
    _print_body(console, row["question"], longest)
    answers = models(row)
    for name, answer in answers.items():
        ratings = ", ".join(
            f"{aspect} {value(rating)}"
            for aspect, rating in answer.items()
            if aspect != "answer" and (rating is None or isinstance(rating, int | float))
        )
        console.print(Text.assemble(("\n" + name, "bold"), f"  {ratings}"))
        _print_body(console, str(answer["answer"]), longest)


def _print_body(console: Console, text: str, longest: int | None) -> None:
    shown = shortened(for_terminal(text).strip("\n"), longest) or "(empty)"
    console.print(Padding(Text(shown, overflow="fold"), (0, 0, 0, 2), expand=False))


def _of(listed: int, found: int) -> str:
    return str(found) if listed == found else f"{listed} of {found}"


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = ArgumentParser(
        line="show: {}".format,
        prog="social-sandbox show",
        usage="social-sandbox show FOLDER [ID | group [N] | answer [N]] [options]",
        description="Print what a run has recorded: a list of interactions, or one in full.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "what",
        metavar="FOLDER [ID]",
        nargs="*",
        help="output folder (or a file), and the id of an interaction; without: a list",
    )
    add = parser.add_argument
    add("--sort", choices=ORDERS, default="combined", help="worst first by; default: combined")
    add("--reverse", action="store_true", help="best first")
    add("--limit", type=_positive, default=20, metavar="N", help="lines of a list; default: 20")
    add("--round", type=int, metavar="N", help="only this round, from 0 as in ids")
    add("--agent", metavar="NAME", help="only this agent")
    add("--kind", metavar="NAME", help="only this kind of question")
    add("--view", choices=("good", "bad"), help="only agents born with these views")
    add("--text", metavar="WORDS", help="only where question, answers or feedback have these words")
    add("--missing", action="store_true", help="only with a missing rating")
    add("--errors", action="store_true", help="only with an error")
    add("--cut-off", action="store_true", help="only where the limit of tokens cut off an answer")
    add("--full", action="store_true", help=f"whole texts, also beyond {LONGEST:,} characters")
    options = parser.parse_intermixed_args(arguments)
    if not options.what:
        raise UserError("show: needs a folder, such as social-sandbox show runs/demo")
    options.folder = Path(options.what.pop(0))
    return options


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, got {text!r}")
    return int(text)
