"""The report of a run in Markdown: what came out, in tables that are also on the console."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..evaluation.spread import Share
from ..runtime import tables
from ..runtime.attempts import ATTEMPTS, duration, seconds_of_stage
from ..runtime.markdown import markdown_table, plain
from . import adherence
from .console import answer_heading, shown_answers, shown_measures
from .page.run.defaults import differing
from .safeguards import COLUMNS, NUMBERS, finding_rows, safeguard_lines

_COMPARED = ("base", "aligned", "difference")
_MOST_CHARACTERS = 1_200
"""Most characters of an answer in the report; `evaluation/answers.jsonl` has the whole."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What a report is made of; whatever a run does not have is empty.

    Attributes:
        name: Name of the output folder.
        records: The records of the stages, by name.
        shares: Shares of answers in the society that follow norms.
        log: Rows of metrics of the training.
        evaluation: Contents of `evaluation/results.json`.
        answers: Rows of `evaluation/answers.jsonl`.
        safeguards: Contents of `safeguards/results.json`.
        figures: Names of the pictures in `figures`.
        seed: Seed that chooses the questions whose answers are shown.
    """

    name: str
    records: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    shares: Sequence[Share] = ()
    log: Sequence[Mapping[str, float]] = ()
    evaluation: Mapping[str, Any] = field(default_factory=dict)
    answers: Sequence[Mapping[str, Any]] = ()
    safeguards: Mapping[str, Any] = field(default_factory=dict)
    figures: Sequence[str] = ()
    seed: int = 0


def run_report(findings: Findings) -> str:
    """Return the report in Markdown. Texts of models are shown as they are, and are no markup."""
    parts = [
        f"# {plain(findings.name)}\n",
        *_made_with(findings),
        *_verdicts(findings),
        *_society(findings),
        *_held_out(findings),
        *_guarded(findings),
        *_answers(findings),
        *_training(findings),
        *_times(findings),
    ]
    return "\n".join(parts)


def stage_times(records: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """Return the seconds of each stage whose end is recorded, over all attempts."""
    spent = {name: seconds_of_stage(record) for name, record in records.items()}
    return {name: seconds for name, seconds in spent.items() if seconds is not None}


def _made_with(findings: Findings) -> Iterator[str]:
    attempts = [one for record in findings.records.values() for one in record.get(ATTEMPTS) or ()]
    if attempts:
        last = attempts[-1]
        names = ("version", "commit", "python", "system", "cores", "gpu")
        known = [f"{name} {last[name]}" for name in names if last.get(name) is not None]
        yield f"Made with {plain(', '.join(known))}.\n"
    settings = {name: record.get("settings") or {} for name, record in findings.records.items()}
    changed = (
        [(one.name, one.value, one.default) for one in differing(settings)] if settings else ()
    )
    if changed:
        yield "Settings that differ from their defaults:\n"
        yield markdown_table(("setting", "here", "default"), changed)


def _verdicts(findings: Findings) -> Iterator[str]:
    lines = [
        *adherence.verdict_lines(findings.evaluation),
        *safeguard_lines(findings.safeguards.get("findings") or ()),
    ]
    if lines:
        yield "## What came out\n"
        yield "".join(f"- {plain(line)}\n" for line in lines)


def _society(findings: Findings) -> Iterator[str]:
    rows = adherence.round_rows(findings.shares)
    if rows:
        header = ("norm", "round", "draft", "revision", "change")
        yield "## Answers in the society that follow each norm, by round from 0\n"
        yield markdown_table(header, rows, right=header[1:])
        yield "Shares with 95 % intervals over questions.\n"
        yield from _figure(findings, "norms", "Answers that follow the norms")
    yield from _figure(findings, "ratings", "Ratings of drafts and revisions by round")


def _held_out(findings: Findings) -> Iterator[str]:
    summary = findings.evaluation
    if not summary:
        return
    yield f"## {summary['questions']} held-out questions\n"
    if norms := summary.get("norms"):
        yield markdown_table(("norm", *_COMPARED), _compared(norms), right=_COMPARED)
        yield "Shares of answers that follow each norm, with 95 % intervals over questions.\n"
    rows = [*_compared(shown_measures(summary))]
    words = summary["words_per_answer"]
    rows.append(("words per answer", f"{words['base']:.1f}", f"{words['aligned']:.1f}", ""))
    yield markdown_table(("measure", *_COMPARED), rows, right=_COMPARED)
    yield from _figure(findings, "evaluation", "Base and aligned model on held-out questions")


def _guarded(findings: Findings) -> Iterator[str]:
    guarded = findings.safeguards.get("findings")
    if guarded:
        yield "## Safeguards\n"
        yield markdown_table(COLUMNS, finding_rows(guarded), right=NUMBERS)
        yield "In per cent; differences in points, with 95 % intervals over items.\n"


def _answers(findings: Findings) -> Iterator[str]:
    rows = shown_answers(findings.answers, findings.seed)
    if not rows:
        return
    yield "## Answers of both models\n"
    yield "The seed has chosen the questions.\n"
    for row in rows:
        models = [name for name in ("base", "aligned") if name in row]
        yield f"**{plain(row['question'][:_MOST_CHARACTERS])}**\n"
        header = [answer_heading(name, row[name]).replace("\n", "; ") for name in models]
        answers = [row[name]["answer"].strip()[:_MOST_CHARACTERS] for name in models]
        yield markdown_table(header, [answers])


def _training(findings: Findings) -> Iterator[str]:
    names = {"loss": "loss", "loss/sft": "imitation", "loss/contrast": "contrast"}
    rows = [
        (label, f"{values[0]:.3f}", f"{values[-1]:.3f}")
        for name, label in names.items()
        if (values := [row[name] for row in findings.log if name in row])
    ]
    if rows:
        yield "## The loss and its parts\n"
        yield markdown_table(
            ("part", "first step", "last step"), rows, right=("first step", "last step")
        )
        yield from _figure(findings, "loss", "The loss with its parts, by step")


def _times(findings: Findings) -> Iterator[str]:
    times = stage_times(findings.records)
    if times:
        yield "## Time by stage\n"
        yield markdown_table(("stage", "time"), time_rows(times), right=("time",))


def time_rows(times: Mapping[str, float]) -> list[tuple[str, str]]:
    """Return each stage with its time in words, and the sum."""
    rows = [(name, duration(seconds)) for name, seconds in times.items()]
    return [*rows, ("all stages", duration(sum(times.values())))]


def _compared(table: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, ...]]:
    for name, columns in table.items():
        cells = (tables.interval(columns[c], is_difference=c == "difference") for c in _COMPARED)
        yield (name, *cells)


def _figure(findings: Findings, name: str, what: str) -> Iterator[str]:
    if f"{name}.png" in findings.figures:
        yield f"![{what}](figures/{name}.png)\n"
