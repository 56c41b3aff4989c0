"""Timings of the memory as it grows: `pytest tests/alignment/speed/time_memory.py`."""

from typing import Any

import pytest

from social_sandbox.alignment.speed import memories

SIZES = [100, 1_000, 10_000]


@pytest.fixture(scope="module")
def table() -> memories.Table:
    return memories.Table(max(memories.SIZES) + memories.QUERIES)


@pytest.mark.parametrize("size", SIZES)
def test_store(benchmark: Any, table: memories.Table, size: int) -> None:
    benchmark.group = "storing all of them"
    benchmark.pedantic(memories.store, (table, size), rounds=5, warmup_rounds=1)


@pytest.mark.parametrize("size", SIZES)
def test_find(benchmark: Any, table: memories.Table, size: int) -> None:
    benchmark.group = f"{memories.QUERIES} queries"
    benchmark.pedantic(memories.find, (memories.fill(table, size),), rounds=5, warmup_rounds=1)
