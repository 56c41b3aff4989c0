import os
import socket
from dataclasses import replace
from multiprocessing import AuthenticationError

import pytest

from social_sandbox.envs.rules.turns import Tokens
from social_sandbox.policies.society.account import Account, Budget
from social_sandbox.policies.society.engines.ledger import Ledger, RemoteLedger, Report, served


def spent(world: str, tokens: int) -> Report:
    return Report(world, account=Account({"a": Tokens(prompt=tokens)}))


def test_all_workers_together_reach_a_budget() -> None:
    ledger = Ledger(Budget(tokens=100), {"w0": spent("w0", 20), "w1": Report("w1")})
    assert ledger.report(0, spent("w1", 50)) == ""
    # A worker says what its world has cost in all, so that no answer counts twice.
    assert ledger.report(1, spent("w1", 60)) == ""
    assert "budget.tokens: 110 of 100" in ledger.report(0, spent("w2", 30))
    assert ledger.report(1, spent("w1", 60)) == ledger.stopped


def test_a_limit_per_minute_is_shared() -> None:
    ledger = Ledger()
    waits = [ledger.reserve("requests", 60, 1) for _ in range(4)]
    assert waits == pytest.approx([0, 0, 1, 2], abs=0.1)
    assert ledger.reserve("other", 60, 1) == 0


def test_a_worker_reaches_the_ledger_of_its_driver() -> None:
    ledger = Ledger(Budget(tokens=10))
    with served(ledger, "127.0.0.1") as address:
        assert "key" not in repr(address)
        shared = RemoteLedger(address)
        assert shared.report(3, spent("w0", 5)) == ""
        ledger.stop("enough")
        assert shared.report(3, spent("w0", 6)) == "enough"
        assert shared.reserve("requests", 60, 1) == 0
    assert ledger.account.total.prompt == 6


def test_a_report_arrives_as_it_was_sent() -> None:
    tokens = Tokens(prompt=3, completion=2, requests=1, usd=0.1 + 0.2, cached=1)
    report = Report("w0", 1, 4, 9, Account({"größe 'x'": tokens}))
    ledger = Ledger()
    with served(ledger, "127.0.0.1") as address:
        RemoteLedger(address).report(2, report)
    assert ledger.workers == {2: report}


def test_the_system_asks_whether_the_other_machine_is_there() -> None:
    with served(Ledger(), "127.0.0.1") as address:
        connection = RemoteLedger(address)._connection
        with socket.socket(fileno=os.dup(connection.fileno())) as end:
            assert end.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1


def test_whoever_connects_and_falls_silent_holds_up_nobody() -> None:
    ledger = Ledger()
    with served(ledger, "127.0.0.1") as address:
        with socket.create_connection((address.host, address.port)):
            assert RemoteLedger(address).report(0, spent("w0", 5)) == ""
        with pytest.raises((AuthenticationError, EOFError, OSError)):
            RemoteLedger(replace(address, key=b"another"))
        assert RemoteLedger(address).report(1, spent("w1", 5)) == ""
    assert ledger.account.total.prompt == 10
