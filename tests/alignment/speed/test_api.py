from social_sandbox.alignment.speed import api
from social_sandbox.alignment.speed.instant_server import answering_at_once


def test_a_society_and_bare_loops_ask_the_same_server() -> None:
    with answering_at_once() as address:
        assert 0 < api.by_aiohttp(address, 8, 40) < 1
        assert 0 < api.by_httpx(address, 8, 40) < 1
        assert 0 < api.by_policy(address, 8, side=2, n_worlds=2) < 1


def test_the_cores_are_given_back() -> None:
    before = api.os.sched_getaffinity(0)
    with api.cores() as servers:
        assert len(api.os.sched_getaffinity(0)) == 1
        assert servers <= before
    assert api.os.sched_getaffinity(0) == before
