"""Societies through an API: requests a second, beside a loop that does nothing but ask."""

import asyncio
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import repeat
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from social_sandbox.envs import World, WorldConfig
from social_sandbox.policies.openai.policy import OpenAIPolicy
from social_sandbox.policies.society.simulate import simulate

from .instant_server import answering_at_once
from .measure import Goal, Measurement, Row, Way, alternate

SECTION = "api"
UNDER_WAY = (16, 256, 1_024)
"""Numbers of requests that are under way at once."""

SIDE, ROUNDS = 6, 4
"""The side of the grid of each world, and its rounds."""

N_WORLDS = -(-max(UNDER_WAY) // SIDE**2)
"""The worlds of the society, whose agents suffice for the most requests under way."""

REQUESTS, FEW_REQUESTS = 40_000, 1_000
"""The requests of a bare loop of aiohttp, about as many as the society's, and of the slow httpx."""

_LEAST = 0.5
"""The share of the requests of a bare loop that a society should reach."""


def measurements(quick: bool) -> list[Row]:
    """Measure requests a second through the API policy, and by bare loops."""
    with cores() as servers, answering_at_once(servers) as address:
        ways: dict[str, Way] = {}
        for n in UNDER_WAY:
            ways[_society(n)] = partial(by_policy, address, n)
            ways[f"aiohttp, {n} under way"] = partial(by_aiohttp, address, n, REQUESTS)
            ways[f"httpx, {n} under way"] = partial(by_httpx, address, n, FEW_REQUESTS)
        costs = alternate(ways, 1 if quick else 3)
    rows: list[Row] = [
        Measurement(SECTION, name, 1 / costs.median(name), "requests/s") for name in ways
    ]
    few = UNDER_WAY[0]
    for n in UNDER_WAY:
        ratio = costs.ratio(f"aiohttp, {n} under way", _society(n))
        rows.append(Measurement(SECTION, f"{_society(n)} / aiohttp", ratio, "x"))
        ratio = costs.ratio(f"httpx, {n} under way", _society(n))
        rows.append(Measurement(SECTION, f"{_society(n)} / httpx", ratio, "x", Goal(_LEAST)))
    for n in UNDER_WAY[1:]:
        ratio = costs.ratio(_society(few), _society(n))
        rows.append(Measurement(SECTION, f"{_society(n)} / {few} under way", ratio, "x", Goal(1)))
    return rows


def _society(under_way: int) -> str:
    return f"society, {under_way} under way"


@contextmanager
def cores() -> Iterator[set[int]]:
    """Keep this process on one core meanwhile; the context is another core, for a server.

    On a machine with one core, both share it.
    """
    if not hasattr(os, "sched_setaffinity"):  # macOS and Windows choose for themselves
        yield set()
        return
    every = os.sched_getaffinity(0)
    first, *others = sorted(every)
    os.sched_setaffinity(0, {first})
    try:
        yield set(others[:1]) or {first}
    finally:
        os.sched_setaffinity(0, every)


def by_policy(address: str, under_way: int, side: int = SIDE, n_worlds: int = N_WORLDS) -> float:
    """Return the seconds of a request in a society with a folder, whose ratings are JSON.

    The society is the same however many requests are under way: a larger one costs more for each
    request, and one that opens many connections for few requests costs more, too.
    """
    config = WorldConfig(grid_size=side, n_rounds=ROUNDS, n_prior_memories=0)
    worlds = [World(config, seed=n, name=f"world_{n}") for n in range(n_worlds)]
    policy = OpenAIPolicy(
        "instant", base_url=address, ratings="json_schema", max_concurrency=under_way
    )
    policy.check()
    with TemporaryDirectory() as folder:
        start = perf_counter()
        simulate(worlds, policy, Path(folder), checked=True)
        seconds = perf_counter() - start
    return seconds / sum(len(world.log) for world in worlds)


def by_aiohttp(address: str, under_way: int, requests: int) -> float:
    """Return the seconds of a request in a bare loop of aiohttp."""
    import aiohttp

    async def ask_all() -> float:
        connector = aiohttp.TCPConnector(limit=under_way)
        async with aiohttp.ClientSession(connector=connector) as session:

            async def ask() -> Any:
                async with session.post(f"{address}/chat/completions", json=_REQUEST) as answer:
                    return json.loads(await answer.read())

            return await _seconds(ask, under_way, requests)

    return asyncio.run(ask_all())


def by_httpx(address: str, under_way: int, requests: int) -> float:
    """Return the seconds of a request in a bare loop of httpx."""
    import httpx2

    async def ask_all() -> float:
        limits = httpx2.Limits(max_connections=under_way, max_keepalive_connections=under_way)
        async with httpx2.AsyncClient(limits=limits, timeout=60) as client:

            async def ask() -> Any:
                answer = await client.post(f"{address}/chat/completions", json=_REQUEST)
                return answer.json()

            return await _seconds(ask, under_way, requests)

    return asyncio.run(ask_all())


async def _seconds(ask: Any, under_way: int, requests: int) -> float:
    """Return the seconds of one of many requests, of which some are under way at a time."""
    left = iter(repeat(None, requests))

    async def worker() -> None:
        for _ in left:
            await ask()

    start = perf_counter()
    await asyncio.gather(*(worker() for _ in range(under_way)))
    return (perf_counter() - start) / requests


_REQUEST = {
    "model": "instant",
    "messages": [{"role": "user", "content": "Is it fair to share what one has? " * 12}],
    "max_tokens": 256,
    "temperature": 0.7,
    "seed": 7,
}
