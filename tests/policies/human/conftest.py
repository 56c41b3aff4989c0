"""Servers of pages on which people play end with each test, and not with the process."""

from collections.abc import Iterator

import pytest

from social_sandbox.policies.human import table


@pytest.fixture(autouse=True)
def _closed_tables() -> Iterator[None]:
    yield
    for opened in table._tables.values():
        opened.close()
    table._tables.clear()
