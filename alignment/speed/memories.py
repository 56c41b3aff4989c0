"""The society's memory: what storing and finding again cost as it grows."""

from collections.abc import Sequence
from functools import partial
from time import perf_counter

import numpy as np

from social_sandbox.envs.memory import Memory, Vectors

from .measure import Figure, Goal, Row, alternate

SECTION = "memory"
SIZES = (10, 100, 1_000, 10_000, 100_000)
"""Questions that a society remembers."""
AGENTS, QUERIES, DIMENSION = 100, 1_000, 384


class Table:
    """An embedder that looks its vectors up: what is measured is the memory, not a model."""

    def __init__(self, size: int) -> None:
        draws = np.random.default_rng(0).standard_normal((size, DIMENSION), dtype=np.float32)
        self._vectors = draws / np.linalg.norm(draws, axis=1, keepdims=True)

    def embed(self, texts: Sequence[str]) -> Vectors:
        """The vectors of these numbers."""
        return np.take(self._vectors, [int(text) for text in texts], axis=0)


def bench(quick: bool) -> list[Row]:
    """Storing a question, and finding the nearest of many for 1,000 queries."""
    table = Table(max(SIZES) + QUERIES)
    filled = {size: fill(table, size) for size in SIZES}
    known = table.embed([str(n) for n in range(max(SIZES))])
    storing = alternate(
        {str(size): partial(store, table, size) for size in SIZES}, 3 if quick else 7
    )
    finding = alternate(
        {
            **{str(size): partial(find, memory) for size, memory in filled.items()},
            "matrix": partial(multiply, table, known),
        },
        3 if quick else 7,
    )
    most, some = str(max(SIZES)), "1000"
    return [
        *(Figure(SECTION, f"stored, {n} in all", 1 / storing.median(n), "/s") for n in storing.of),
        *(
            Figure(SECTION, f"found among {size}", 1 / finding.median(str(size)), "/s")
            for size in SIZES
        ),
        Figure(
            SECTION,
            f"storing one of {most} / one of {some}",
            storing.ratio(most, some),
            "x",
            Goal(2, at_least=False),
        ),
        Figure(
            SECTION,
            f"{QUERIES} queries among {most} / the matrix product alone",
            finding.ratio(most, "matrix"),
            "x",
            Goal(2, at_least=False),
        ),
    ]


def fill(table: Table, size: int) -> Memory:
    """A memory of so many questions, each of which one of the agents remembers."""
    memory = Memory(table)
    memory.remember((f"social_{n % AGENTS}", str(n), "Yes.") for n in range(size))
    return memory


def store(table: Table, size: int) -> float:
    """Seconds to store a question, in rounds of as many as there are agents."""
    memory = Memory(table)
    start = perf_counter()
    for first in range(0, size, AGENTS):
        round_ = range(first, min(first + AGENTS, size))
        memory.remember([(f"social_{n % AGENTS}", str(n), "Yes.") for n in round_])
    return (perf_counter() - start) / size


def find(memory: Memory) -> float:
    """Seconds to find what comes to mind at a new question."""
    start = perf_counter()
    memory.recall([(f"social_{n % AGENTS}", str(max(SIZES) + n)) for n in range(QUERIES)])
    return (perf_counter() - start) / QUERIES


def multiply(table: Table, known: Vectors) -> float:
    """Seconds of the matrix product that 1,000 queries need, for each."""
    asked = table.embed([str(max(SIZES) + n) for n in range(QUERIES)])
    start = perf_counter()
    for part in np.array_split(asked, 10):
        (part @ known.T).argmax(axis=1)
    return (perf_counter() - start) / QUERIES
