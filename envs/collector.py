"""Python's search for cyclic garbage, which costs more the more objects there are."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_OBJECTS = 100_000
"""New objects between two searches: some tens of megabytes. Python's own choice is 700 to 2,000."""


@contextmanager
def rarely_collecting() -> Iterator[None]:
    """Search for cyclic garbage rarely, and not among the objects that are there already.

    A society of a million interactions makes objects by the million that stay. Searching them
    again and again takes a third of its time, and finds nothing.
    """
    before = gc.get_threshold()
    if not gc.isenabled() or not before[0] or before[0] >= _OBJECTS:
        yield
        return
    gc.freeze()
    gc.set_threshold(_OBJECTS, 50, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
