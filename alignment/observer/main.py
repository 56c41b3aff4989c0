"""The command `social-sandbox observer`: fit the head of the embedded observer."""

import argparse
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.rules.questions import held_out_questions
from social_sandbox.policies.society.lock import locked
from social_sandbox.policies.terminal import Terminal
from social_sandbox.policies.value_model.minilm import MINILM, MiniLMEmbedder

from ..data.formats.hh import read_pairs
from ..data.formats.human import judgements_file, read_human
from ..data.formats.pair import PairRating
from ..data.groups import RatedGroup, read_groups
from ..data.leaks import exact_leak
from ..data.pairs import PAIRINGS, make_pairs
from ..runtime.stage import make_folder
from .card import GROUP_DATA, HUMAN_DATA, PEOPLE_DATA
from .fit import HEAD, fit_and_save


def main(arguments: Sequence[str]) -> None:
    """Fit a head to preferences, write it with its card, and print how accurate it is.

    Raises:
        UserError: A file cannot be read, holds too few pairs, or holds a held-out question.
    """
    parser = argparse.ArgumentParser(
        prog="social-sandbox observer",
        description=(
            "Fit the head of the embedded observer (observer=value_model) to preferences. The "
            "project's own good and bad answers are added to them."
        ),
    )
    parser.add_argument(
        "pairs",
        nargs="*",
        metavar="PAIRS",
        help="preference pairs in the form of HH-RLHF: a file or hub id whose rows have the fields "
        "chosen and rejected (whole dialogues, or replies to the field prompt)",
    )
    parser.add_argument(
        "--groups",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="rated groups, such as OUTPUT_DIR/data/groups.jsonl of a run; may be repeated",
    )
    parser.add_argument(
        "--people",
        action="append",
        default=[],
        type=Path,
        metavar="FOLDER",
        help="what people judged with social-sandbox rate: the folder that was rated, or its "
        "judgements.jsonl; may be repeated",
    )
    parser.add_argument("--output", type=Path, default=Path("value_head"), help="folder to write")
    parser.add_argument(
        "--seed", type=int, default=0, help="seed of the split into training and held-out pairs"
    )
    parser.add_argument(
        "--pairing",
        choices=PAIRINGS,
        default="best_worst",
        help="which candidates of a group make pairs (default: %(default)s)",
    )
    parser.add_argument(
        "--min-gap",
        type=float,
        default=0.0,
        help="smallest difference between the ratings of a pair",
    )
    parser.add_argument(
        "--encoder",
        default=MINILM,
        help="sentence encoder whose embeddings the head reads; observer.model must be the same",
    )
    parser.add_argument("--device", help="device of the encoder (default: a GPU if there is one)")
    options = parser.parse_args(arguments)
    if not (options.pairs or options.groups or options.people):
        parser.error("give at least one file of PAIRS, --groups or --people")
    start = time.monotonic()
    groups = [
        *(group for path in options.groups for group in _read_groups(path)),
        *(group for path in options.people for group in _read_people(path)),
    ]
    pairs = [
        *(pair for path in options.pairs for pair in read_pairs(path, "pairs")),
        *make_pairs(groups, options.pairing, options.min_gap),
    ]
    data = [
        *([HUMAN_DATA] if options.pairs else []),
        *([GROUP_DATA] if options.groups else []),
        *([PEOPLE_DATA] if options.people else []),
    ]
    make_folder(options.output, "--output")
    embedder = MiniLMEmbedder(options.encoder, device=options.device, setting="--encoder")
    # For the embedded encoder keep the default, which is its full name.
    encoder = {} if options.encoder == MINILM else {"encoder": options.encoder}
    with locked(options.output, "observer"):
        metrics = fit_and_save(
            pairs, options.output, " and ".join(data), options.seed, embedder, **encoder
        )
    console = Terminal()
    for name, subject in (("human", "held-out pairs"), ("own", "held-out answers")):
        console.print(
            f"the better of {metrics[f'{name}_n']} {subject} rates higher: {metrics[name]:.1%} "
            f"({metrics[f'{name}_low']:.1%} to {metrics[f'{name}_high']:.1%})",
            highlight=False,
        )
    console.print(
        f"{len(pairs)} pairs, {time.monotonic() - start:.0f} s. To use the head: "
        f"observer=value_model observer.head={options.output / HEAD}",
        soft_wrap=True,
        markup=False,
        highlight=False,
    )


def _read_groups(path: Path) -> list[RatedGroup]:
    """Return the groups of a file; raise UserError if one of them holds a held-out question."""
    return _without_leak(read_groups(path), "--groups", path)


def _read_people(path: Path) -> list[RatedGroup]:
    """Return what people judged as groups; raise UserError likewise.

    The rating of a single answer is that of alignment, which the head learns.
    """
    file = judgements_file(path, "--people")
    rating = PairRating(rater="human")
    groups = read_human(file, rating, engagement_weight=0, dropped=Counter())
    return _without_leak(list(groups), "--people", path)


def _without_leak(groups: list[RatedGroup], option: str, path: Path) -> list[RatedGroup]:
    leak = exact_leak(groups, [question.text for question in held_out_questions()])
    if leak is not None:
        raise UserError(
            f"{option}: {path}: group {leak.group} holds a held-out question, which the "
            f"evaluation of the head needs unseen: {leak.held_out!r}"
        )
    return groups
