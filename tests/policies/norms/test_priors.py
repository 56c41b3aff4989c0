"""Prior memories that follow a norm or break it."""

import pytest

from social_sandbox.policies.norms import NORMS, Norm
from social_sandbox.policies.norms.priors import norm_priors


@pytest.mark.parametrize("norm", NORMS.values(), ids=lambda norm: norm.name)
def test_good_views_follow_the_norm_and_bad_views_break_it(norm: Norm) -> None:
    priors = norm_priors(norm)
    assert len(priors) >= 50  # as many as an agent of the paper is born with
    for prior in priors:
        assert prior.good
        assert prior.bad
        assert norm.is_followed(prior.text, prior.good)
        assert not norm.is_followed(prior.text, prior.bad)
