"""The data of one run, written whole, and then whenever its files have grown."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.rules.interactions import Interaction
from social_sandbox.envs.text.jsonl import first_problem
from social_sandbox.policies.society.lock import HOLDER

from ...runtime.stage import RECORD
from .answers import Answers, read_answers
from .folders import RunFolder, size
from .group_table import GroupColumns
from .lines import Line, Place, read_json, read_lines
from .prompts import Readers
from .records import CHUNK, GroupRecord, InteractionRecord
from .run.record import run_record
from .run.stages import STAGES, read_records
from .scripts import DataFolder, chunk_name
from .table import Columns

Advance = Callable[[int], None]
"""Is told how many bytes of interactions were read since the last time."""

_LINKED = (
    "data/groups.jsonl",
    "evaluation/answers.jsonl",
    "benchmarks/items.jsonl",
    "figures/norms.json",
)
"""Files to which interactions are linked: a change means all chunks are written anew."""

_SUMMARISED = (
    *(f"{stage}/{RECORD}" for stage in STAGES),
    HOLDER,
    f"simulation/{HOLDER}",
    "simulation/population.json",
    "data/report.json",
    "alignment/data_report.json",
    "alignment/log.json",
    "alignment/reward_model/log.json",
    "evaluation/results.json",
    "safeguards/results.json",
    "benchmarks/results.json",
    "figures",
)

_interaction: TypeAdapter[Interaction] = TypeAdapter(Interaction)


class WrittenRun:
    """A run whose data stand in a data folder, and how far its files have been read."""

    def __init__(self, run: RunFolder, data: DataFolder) -> None:
        """Write nothing yet."""
        self._run, self._data = run, data
        self._linked: object = None
        self._summarised: object = None
        self._begin()

    def update(self, advance: Advance = lambda read: None) -> bool:
        """Write what is new, and return whether anything was.

        Raises:
            UserError: A file cannot be read.
            OSError: A file cannot be written.
        """
        linked, summarised = self._states(_LINKED), self._states(_SUMMARISED)
        # Of workers the files of each world end in one file of all.
        shrunk = any(size(file) < place.byte for file, place in self._places.items())
        anew = linked != self._linked or shrunk
        if anew:
            self._begin()
            self._read_links()
        before = len(self._columns)
        self._read_interactions(advance)
        grown = len(self._columns) > before
        if anew or grown:
            self._data.write(f"{self._run.key}/table", self._columns.table())
        if anew:
            self._write_groups_and_answers()
        changed = anew or grown or summarised != self._summarised
        if changed:
            counts = {
                "interactions": len(self._columns),
                "groups": len(self._groups),
                "answers": len(self._answers),
            }
            record = run_record(
                self._run, self._columns, self._answers, counts, self._chunks, self._notes()
            )
            self._data.write(f"{self._run.key}/run", record)
        self._linked, self._summarised = linked, summarised
        return changed

    def _begin(self) -> None:
        """Forget what was read."""
        self._places: dict[Path, Place] = {}
        self._columns = Columns(own_norms=_own_norms(self._run.folder))
        self._answers, self._groups = Answers(), GroupColumns()
        self._rows: dict[str, int] = {}
        self._groups_of: dict[str, list[int]] = {}
        self._last: list[InteractionRecord] = []
        self._chunks = {"interactions": 0, "groups": 0, "answers": 0}

    def _read_links(self) -> None:
        """Read what interactions are linked to."""
        for number, line in enumerate(self._group_lines()):
            for candidate in line.value.get("candidates") or ():
                source = (candidate.get("source") or {}).get("interaction")
                if source and number not in self._groups_of.setdefault(source, []):
                    self._groups_of[source].append(number)
        self._answers = read_answers(self._run.folder)

    def _group_lines(self) -> Iterator[Line]:
        file = self._run.folder / "data" / "groups.jsonl"
        return read_lines(file, "groups") if file.exists() else iter(())

    def _read_interactions(self, advance: Advance) -> None:
        """Read the interactions behind the last ones, and write their chunks."""
        files = self._run.interaction_files
        several = files != [self._run.interactions]
        simulation = read_records(self._run.folder).get("simulation") or {}
        readers = Readers.of(simulation.get("settings") or {})
        unwritten = False
        for file, line in self._new_lines(files, advance):
            one = _checked(line, file)
            if several and one.id in self._rows:
                continue
            self._rows.setdefault(one.id, len(self._columns))
            self._columns.add(one)
            record = InteractionRecord(
                interaction=_exact(line.value),
                prompts=readers.prompts(one, line.value),
                groups=self._groups_of.get(one.id, ()),
                answers=self._answers.of_question(one.question, one.kind),
            )
            if len(self._last) == CHUNK:
                self._last = []
            self._last.append(record)
            unwritten = len(self._last) < CHUNK
            if not unwritten:
                self._write_last()
        if unwritten:
            self._write_last()

    def _new_lines(self, files: list[Path], advance: Advance) -> Iterator[tuple[Path, Line]]:
        """Yield the lines behind those that were read, each with its file."""
        for file in files:
            try:
                for line in read_lines(file, "interactions", self._places.get(file, Place())):
                    yield file, line
                    advance(line.end.byte - self._places.get(file, Place()).byte)
                    self._places[file] = line.end
            except UserError:
                # The folders of the worlds go away when all are finished.
                if file.exists():
                    raise

    def _write_last(self) -> None:
        number = (len(self._columns) - 1) // CHUNK
        self._data.write(chunk_name(f"{self._run.key}/interactions", number), self._last)
        self._chunks["interactions"] = number + 1

    def _write_groups_and_answers(self) -> None:
        key = self._run.key
        self._chunks["groups"] = self._data.write_chunks(f"{key}/groups", self._group_records())
        if len(self._groups):
            self._data.write(f"{key}/group_table", self._groups.table())
        records = self._answers.records(self._columns)
        self._chunks["answers"] = self._data.write_chunks(f"{key}/answers", records)
        if records:
            self._data.write(f"{key}/answer_table", self._answers.table())

    def _group_records(self) -> Iterator[GroupRecord]:
        for line in self._group_lines():
            self._groups.add(line.value)
            sources = [one.get("source") or {} for one in line.value.get("candidates") or ()]
            rows = [self._rows.get(source.get("interaction", "")) for source in sources]
            yield GroupRecord(line.value, rows)

    def _notes(self) -> list[str]:
        if self._run.interaction_files not in ([], [self._run.interactions]):
            return ["Workers are playing: interactions stand in the order in which they were read."]
        if any(size(file) > place.byte > 0 for file, place in self._places.items()):
            return ["The last line of the interactions is not complete and is left out."]
        return []

    def _states(self, names: tuple[str, ...]) -> list[tuple[int, int] | None]:
        return [_state(self._run.folder / name) for name in names]


def _own_norms(folder: Path) -> dict[str, dict[str, float]]:
    """Return what the figures' stage has written of norms that this project does not come with."""
    values = (read_json(folder / "figures" / "norms.json") or {}).get("values")
    if not isinstance(values, dict):
        return {}
    # A file of another program may hold anything.
    return {
        name: {one: float(value) for one, value in each.items() if isinstance(value, int | float)}
        for name, each in values.items()
        if isinstance(each, dict)
    }


def _checked(line: Line, file: Path) -> Interaction:
    try:
        return _interaction.validate_python(line.value)
    except ValidationError as error:
        problem = first_problem(error)
        raise UserError(f"interactions: {file}, line {line.end.lines}: {problem}") from error


def _exact(value: dict[str, Any]) -> dict[str, Any]:
    """Return an interaction whose seed JavaScript can read: as a text where it is too large."""
    seed = value.get("seed")
    if isinstance(seed, int) and abs(seed) >= 2**53:
        return {**value, "seed": str(seed)}
    return value


def _state(path: Path) -> tuple[int, int] | None:
    try:
        state = path.stat()
    except OSError:
        return None
    return state.st_mtime_ns, state.st_size
