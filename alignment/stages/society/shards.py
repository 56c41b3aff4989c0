"""Shards: every n-th world of a simulation, for jobs that know nothing of each other."""


def check_shard(text: str) -> str:
    """Return the text of a shard such as `3/8`.

    Raises:
        ValueError: The text names no shard.
    """
    number, slash, count = text.partition("/")
    if not (slash and number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count)):
        raise ValueError(f"must be like 3/8, from 1/8 to 8/8, got {text!r}")
    return text


def parts_of(shard: str) -> tuple[int, int]:
    """Return the number of a shard, from 1, and the number of shards."""
    number, _, count = shard.partition("/")
    return int(number), int(count)


def in_shard(world: int, shard: str | None) -> bool:
    """Return whether a shard plays the world with this number, from 0."""
    if shard is None:
        return True
    number, count = parts_of(shard)
    return world % count == number - 1
