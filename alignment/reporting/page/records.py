"""What the page of a run reads: its files and the records in them.

Layout of `FOLDER/page`:

    index.html                         of the folder `assets` beside this module
    assets/                            that folder's other files and folders, and those of
                                       `policies/browser/assets`: the same for every run
    data/index.js                      `Index`
    data/RUN/run.js                    `Run`
    data/RUN/table.js                  `Table`: one column of numbers or texts per field
    data/RUN/answer_table.js           `AnswerTable`, where the run has answers
    data/RUN/group_table.js            `GroupTable`, where the run has groups
    data/RUN/interactions/00007.js     list of `InteractionRecord`, `CHUNK` of them
    data/RUN/groups/00000.js           list of `GroupRecord`
    data/RUN/answers/00000.js          list of `AnswerRecord`

RUN is the `key` of the run. Each file is one call `receive("RUN/table", "...")`, whose second
argument is gzipped JSON in base64: a page that is opened from disk may load scripts, and nothing
else. The first argument is the file's path below `data/` without `.js`. A dataclass is written as
an object with the names of its fields. `None` is null.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

CHUNK = 100
"""Number of records in a file of interactions, groups or answers."""


@dataclass(frozen=True, slots=True)
class Index:
    """The runs of a page.

    Attributes:
        version: Version of this layout.
        runs: Key and name of each run, in the order of the command line.
        following: Whether a process keeps the data up to date: the page asks again.
        stamp: Differs whenever any file of the page has been written anew.
    """

    version: int
    runs: Sequence["RunName"]
    following: bool
    stamp: str


@dataclass(frozen=True, slots=True)
class RunName:
    """A run's `key` in paths and addresses, and the name that people read."""

    key: str
    name: str


@dataclass(frozen=True, slots=True)
class Fact:
    """One line about a run; `detail` is shown when somebody asks for more."""

    label: str
    value: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting that differs from its default; values are JSON texts."""

    name: str
    value: str
    default: str


@dataclass(frozen=True, slots=True)
class StageState:
    """How far a stage of a run has come."""

    name: str
    state: Literal["complete", "interrupted", "running", "missing"]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A result with its 95 % interval; the interval is null where there is none.

    `good` says which direction is better: 1 up, -1 down, 0 neither. `against` is the value that
    means nothing: 0 for a difference, chance for a share of right answers, null for a number that
    is compared with none.
    """

    label: str
    value: float | None
    low: float | None = None
    high: float | None = None
    unit: str = ""
    good: Literal[-1, 0, 1] = 0
    note: str = ""
    against: float | None = 0.0


@dataclass(frozen=True, slots=True)
class Health:
    """A sign of a sick society, such as the share of answers that are cut off.

    `state` is a word and not only a colour. `filter` is the address of the interactions that are
    counted, such as `?cut_off=1`; empty where no filter shows them.
    """

    label: str
    count: int
    of: int
    state: Literal["good", "fair", "poor"]
    note: str = ""
    filter: str = ""


@dataclass(frozen=True, slots=True)
class Point:
    """A point of a series; `x` is a number or a category, `low` to `high` an interval."""

    x: float | str
    y: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Series:
    """Points of one name."""

    name: str
    points: Sequence[Point]


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure, drawn by the page.

    Attributes:
        id: Unique within a run; a part of its address and of the names of downloaded files.
        place: The view that shows the figure.
        title: What it shows, as a sentence of a few words.
        kind: `line` (x numeric, interval as a band), `bars` (x a category, interval as a whisker),
            `histogram` (x the bin, y a share; series beside one another), `dots` (estimates with
            whiskers around a line at 0; x a category).
        x_label, y_label: Axis labels with units.
        series: The data.
        y_low, y_high: Limits of the y axis; null: from the data.
        note: How the numbers come about.
    """

    id: str
    place: Literal["run", "society", "data", "training", "answers"]
    title: str
    kind: Literal["line", "bars", "histogram", "dots"]
    x_label: str
    y_label: str
    series: Sequence[Series]
    y_low: float | None = None
    y_high: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """All of a run that is not one record of many.

    Attributes:
        key, name, path: See `RunName`; `path` is the output folder.
        facts: Question set, population, models, seed, version, cost, times.
        settings: Settings that differ from the default.
        stages: States of the stages, in order.
        headlines: The results that matter most.
        health: Signs of a sick society.
        figures: All figures.
        rating_scale: The highest rating.
        grid_size: Rows of the grid; 0 without a society.
        worlds: Names of the worlds.
        policies: Name of each agent's policy, by `world/agent`.
        models: Names of the models in the answers, such as `base` and `aligned`; the first is what
            the others are compared with.
        counts: Number of `interactions`, `groups` and `answers`.
        chunks: Number of files of each.
        dropped: What was left out of the training data, and how often: source, reason, count.
        notes: Sentences about what is missing or unreadable, such as a torn line.
    """

    key: str
    name: str
    path: str
    facts: Sequence[Fact] = ()
    settings: Sequence[Setting] = ()
    stages: Sequence[StageState] = ()
    headlines: Sequence[Estimate] = ()
    health: Sequence[Health] = ()
    figures: Sequence[Figure] = ()
    rating_scale: int = 7
    grid_size: int = 0
    worlds: Sequence[str] = ()
    policies: dict[str, str] = field(default_factory=dict)
    models: Sequence[str] = ()
    counts: dict[str, int] = field(default_factory=dict)
    chunks: dict[str, int] = field(default_factory=dict)
    dropped: Sequence[tuple[str, str, int]] = ()
    notes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """The interactions of a run in columns of equal length; row i is record i of the chunks.

    Attributes:
        id: `world/round/agent`.
        world, agent, question, kind, view: Numbers into the lists of `names`.
        round, row, column: Round, and the agent's place on the grid.
        draft_alignment, draft_engagement, revision_alignment, revision_engagement: Means of the
            observers' ratings; null where there is none.
        peers: For each piece of feedback the peer (a number into `names["agent"]`) and the rating.
        mean_rating: Mean of the peers' ratings.
        missing: Number of missing ratings, of peers and of observers.
        cut_off: Bits: 1 the draft, 2 the revision, 4 some feedback.
        errors: Number of errors.
        same: Whether the revision is the draft, letter by letter.
        extract: The first 80 characters of the revision.
        names: The texts that numbers stand for, by column.
        norms: By name of a norm of this project: how far the revision follows the norm, from 0 to
            1; empty for a run of very many interactions.
    """

    id: Sequence[str]
    world: Sequence[int]
    round: Sequence[int]
    agent: Sequence[int]
    row: Sequence[int]
    column: Sequence[int]
    view: Sequence[int]
    question: Sequence[int]
    kind: Sequence[int]
    draft_alignment: Sequence[float | None]
    draft_engagement: Sequence[float | None]
    revision_alignment: Sequence[float | None]
    revision_engagement: Sequence[float | None]
    peers: Sequence[Sequence[tuple[int, float | None]]]
    mean_rating: Sequence[float | None]
    missing: Sequence[int]
    cut_off: Sequence[int]
    errors: Sequence[int]
    same: Sequence[bool]
    extract: Sequence[str]
    names: dict[str, Sequence[str]]
    norms: dict[str, Sequence[float | None]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PromptRecord:
    """What one agent read in one turn: the messages, and the beginning of the reply."""

    turn: str
    agent: str
    phase: str
    policy: str
    messages: Sequence[dict[str, str]]
    prefill: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class InteractionRecord:
    """An interaction with what the page links to it.

    Attributes:
        interaction: The line of `interactions.jsonl` as it is; a seed that JavaScript cannot hold
            is a text.
        prompts: What each agent read, in the order of the turns.
        groups: Numbers of the groups that it became a part of, see `GroupRecord`.
        answers: Numbers of the answers to the same question; where there are none, to the nearest
            questions of its kind.
    """

    interaction: dict[str, Any]
    prompts: Sequence[PromptRecord]
    groups: Sequence[int]
    answers: Sequence[int]


@dataclass(frozen=True, slots=True)
class GroupRecord:
    """A group of the training data; `interactions` are numbers of rows of the table.

    `group` is the line of `groups.jsonl` as it is. `interactions` has one entry per candidate, null
    where the candidate comes from elsewhere.
    """

    group: dict[str, Any]
    interactions: Sequence[int | None]


@dataclass(frozen=True, slots=True)
class GroupTable:
    """The groups of a run in columns of equal length; row i is record i of the chunks.

    Attributes:
        kind: Numbers into the list of `names`.
        extract: The first 160 characters of the prompt's last message.
        candidates: Number of candidates.
        low, high: The lowest and the highest rating of the candidates; null where none has one.
        invalid: Number of candidates that are not valid.
        cut_off: Number of candidates without an end.
        names: The texts that numbers stand for, by column.
    """

    kind: Sequence[int]
    extract: Sequence[str]
    candidates: Sequence[int]
    low: Sequence[float | None]
    high: Sequence[float | None]
    invalid: Sequence[int]
    cut_off: Sequence[int]
    names: dict[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class AnswerRecord:
    """A held-out question or an item of a benchmark, and the answer of each model.

    Attributes:
        source: `held_out`, or the name of the benchmark.
        question: The question.
        kind: Category of the question.
        sample: Number of the sample, from 0.
        answers: By model: `text`, and `scores` by name (`alignment`, `engagement`, `accuracy`),
            `refusal` true, false or null, `error`.
        interactions: Rows of the table whose question is the nearest to this one, the same
            question first.
        detail: Further fields of a benchmark's item.
    """

    source: str
    question: str
    kind: str
    sample: int
    answers: dict[str, dict[str, Any]]
    interactions: Sequence[int] = ()
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AnswerTable:
    """The answers of a run in columns of equal length; row i is record i of the chunks.

    Attributes:
        source, kind: Numbers into the lists of `names`.
        sample: Number of the sample, from 0.
        question: The first 160 characters of the question.
        extract: By model: the first 160 characters of the answer.
        scores: By model, by name (`alignment`, `engagement`, `combined`, `accuracy`): the score,
            null where there is none.
        refusal: By model: whether the answer is a refusal, null where nobody looked.
        error: By model: whether the answer is an error.
        names: The texts that numbers stand for, by column.
    """

    source: Sequence[int]
    kind: Sequence[int]
    sample: Sequence[int]
    question: Sequence[str]
    extract: dict[str, Sequence[str]]
    scores: dict[str, dict[str, Sequence[float | None]]]
    refusal: dict[str, Sequence[bool | None]]
    error: dict[str, Sequence[bool]]
    names: dict[str, Sequence[str]]
