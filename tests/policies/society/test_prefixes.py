"""The share of prompts that a prefix cache can serve."""

from dataclasses import replace

from social_sandbox.envs import Message, Tokens
from social_sandbox.policies import ScriptedPolicy, rollout
from social_sandbox.policies.society.prefixes import SharedPrefixes, shared_prefixes

from ..conftest import society


def test_only_what_stands_at_the_beginning_is_shared() -> None:
    counted = SharedPrefixes()
    rubric, other = "a" * 640, "b" * 640
    counted.add([Message("user", rubric)])
    assert counted.share == 0
    counted.add([Message("user", rubric + other)])
    assert 576 <= counted.shared <= 640
    before = counted.shared
    counted.add([Message("user", "!" + rubric)])
    assert counted.shared == before


def test_peers_of_one_draft_share_most_of_their_prompts_in_any_order() -> None:
    interactions = rollout([society(n_rounds=2)], ScriptedPolicy())
    assert shared_prefixes(interactions) == {}  # nobody has read a prompt

    read = [
        replace(
            one,
            draft=replace(one.draft, text="because " * 60),
            feedback=tuple(replace(f, tokens=Tokens(prompt=300)) for f in one.feedback),
        )
        for one in interactions
    ]
    share = shared_prefixes(read)["scripted"]
    assert 0.3 < share < 1
    assert shared_prefixes(read[::-1])["scripted"] == share
