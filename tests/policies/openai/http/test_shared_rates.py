from time import monotonic

from social_sandbox.policies.openai import OpenAIPolicy
from social_sandbox.policies.society.engines.ledger import Ledger
from tests.helpers.servers.api_server import says, server
from tests.helpers.societies import society


def test_two_policies_of_two_workers_keep_one_limit() -> None:
    turn = society().pending()[0]
    ledger = Ledger()
    with server(lambda request: says("Yes.")) as url:
        policies = [OpenAIPolicy("m", base_url=url, requests_per_minute=240) for _ in range(2)]
        for policy in policies:
            policy.share_rates(ledger.reserve)
        # Of each second four requests; the first second allows as many at once.
        start = monotonic()
        for policy in policies * 3:
            assert policy.act([turn])[0].text == "Yes."
        assert 0.2 < monotonic() - start < 5
        start = monotonic()
        for policy in policies:
            policy.act([turn])
        assert monotonic() - start > 0.3
