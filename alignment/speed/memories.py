"""The memory of a society: the cost of storing and finding questions as the memory grows."""

from collections.abc import Sequence
from functools import partial
from time import perf_counter

import numpy as np

from social_sandbox.envs.rules.memory import Memory, Vectors

from .measure import Goal, Measurement, Row, alternate

SECTION = "memory"
SIZES = (10, 100, 1_000, 10_000, 100_000)
"""Numbers of questions that a society remembers."""
AGENTS, QUERIES, DIMENSION = 100, 1_000, 384


class Table:
    """An embedder that looks vectors up, so that the memory is measured without a model."""

    def __init__(self, size: int) -> None:
        draws = np.random.default_rng(0).standard_normal((size, DIMENSION), dtype=np.float32)
        self._vectors = draws / np.linalg.norm(draws, axis=1, keepdims=True)

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return the vectors of texts that are numbers."""
        return np.take(self._vectors, [int(text) for text in texts], axis=0)


def measurements(quick: bool) -> list[Row]:
    """Measure storing a question, and finding the nearest question for 1,000 queries."""
    table = Table(max(SIZES) + QUERIES)
    filled = {size: fill(table, size) for size in SIZES}
    vectors = table.embed([str(n) for n in range(max(SIZES))])
    storing = alternate(
        {str(size): partial(store, table, size) for size in SIZES}, 3 if quick else 7
    )
    finding = alternate(
        {
            **{str(size): partial(find, memory) for size, memory in filled.items()},
            "matrix": partial(multiply, table, vectors),
        },
        3 if quick else 7,
    )
    most, some = str(max(SIZES)), "1000"
    return [
        *(
            Measurement(SECTION, f"stored, {n} in all", 1 / storing.median(n), "/s")
            for n in storing.of
        ),
        *(
            Measurement(SECTION, f"found among {size}", 1 / finding.median(str(size)), "/s")
            for size in SIZES
        ),
        Measurement(
            SECTION,
            f"storing one of {most} / one of {some}",
            storing.ratio(most, some),
            "x",
            Goal(2, at_least=False),
        ),
        Measurement(
            SECTION,
            f"{QUERIES} queries among {most} / the matrix product alone",
            finding.ratio(most, "matrix"),
            "x",
            Goal(2, at_least=False),
        ),
    ]


def fill(table: Table, size: int) -> Memory:
    """Return a memory of `size` questions, each of which one agent remembers."""
    memory = Memory(table)
    memory.remember((f"social_{n % AGENTS}", str(n), "Yes.") for n in range(size))
    return memory


def store(table: Table, size: int) -> float:
    """Return the seconds of storing a question, in rounds of one question for each agent."""
    memory = Memory(table)
    start = perf_counter()
    for first in range(0, size, AGENTS):
        round_ = range(first, min(first + AGENTS, size))
        memory.remember([(f"social_{n % AGENTS}", str(n), "Yes.") for n in round_])
    return (perf_counter() - start) / size


def find(memory: Memory) -> float:
    """Return the seconds of recalling the nearest question for a new one."""
    start = perf_counter()
    memory.recall([(f"social_{n % AGENTS}", str(max(SIZES) + n)) for n in range(QUERIES)])
    return (perf_counter() - start) / QUERIES


def multiply(table: Table, vectors: Vectors) -> float:
    """Return the seconds of the matrix product for 1,000 queries, for each query."""
    queries = table.embed([str(max(SIZES) + n) for n in range(QUERIES)])
    start = perf_counter()
    for part in np.array_split(queries, 10):
        (part @ vectors.T).argmax(axis=1)
    return (perf_counter() - start) / QUERIES
