from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from social_sandbox.policies.huggingface import prefixes
from social_sandbox.policies.huggingface.prefixes import Level, levels, read
from tests.helpers.tiny import tiny_llama


@pytest.fixture(autouse=True)
def share_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prefixes, "LEAST", 1)
    monkeypatch.setattr(prefixes, "WORTH", 0.01)


def spelled(plan: list[Level]) -> list[list[int]]:
    """The prompts that a plan reads."""
    texts: list[list[int]] = [[] for _ in plan[0].segments]
    for number, level in enumerate(plan):
        rows = zip(level.parents, level.segments, strict=True)
        texts = [[*(texts[parent] if number else []), *segment] for parent, segment in rows]
    return texts


PROMPTS = st.lists(
    st.lists(st.integers(1, 3), min_size=2, max_size=12).map(lambda row: [1, 2, 3, 1, 2, *row]),
    min_size=1,
    max_size=12,
)


@given(PROMPTS, st.integers(1, 2))
def test_every_plan_reads_the_prompts(rows: list[list[int]], keep: int) -> None:
    plan = levels(rows, [0] * len(rows), keep, a_pass=1)
    assert spelled(plan) == rows
    assert all(len(segment) >= keep for segment in plan[-1].segments)


@given(PROMPTS, st.data())
def test_prompts_share_within_their_kind_only(rows: list[list[int]], data: st.DataObject) -> None:
    kinds = data.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows)))
    plan = levels(rows, kinds, a_pass=1)
    assert spelled(plan) == rows
    of = [{kinds[member]} for member in plan[0].members]
    for level in plan:
        of = [of[parent] for parent in level.parents] if level is not plan[0] else of
        assert all(group == {kinds[m]} for group, m in zip(of, level.members, strict=True))


def test_shared_tokens_are_read_once() -> None:
    rubric, draft = list(range(20)), list(range(20, 40))
    rows = [[*rubric, *draft, 50 + n] for n in range(4)] + [[*rubric, 60 + n] for n in range(2)]
    plan = levels(rows, [0] * 6, a_pass=1)
    assert list(plan[0].segments) == [rubric]
    assert sorted(plan[1].segments) == [[], [], draft]
    assert sum(len(s) for level in plan for s in level.segments) == 20 + 20 + 6


def test_tokens_are_not_shared_if_sharing_costs_more(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [[1, 2, 3, n] for n in range(5)]
    assert len(levels(rows, [0] * 5, a_pass=10)) == 2
    monkeypatch.setattr(prefixes, "WORTH", 2)
    assert len(levels(rows, [0] * 5, a_pass=10)) == 1


@pytest.mark.parametrize("keep", [1, 2])
def test_shared_reading_gives_the_logits_of_separate_reading(keep: int) -> None:
    model: Any = tiny_llama(40).eval()
    draw = torch.Generator().manual_seed(0)
    begin = torch.randint(4, 40, (9,), generator=draw).tolist()
    middle = torch.randint(4, 40, (5,), generator=draw).tolist()
    ends = [torch.randint(4, 40, (n + 2,), generator=draw).tolist() for n in range(6)]
    rows = [begin + (middle if n % 2 else []) + end for n, end in enumerate(ends)]
    plan = levels(rows, [0] * len(rows), keep, a_pass=1)
    assert len(plan) > 1
    with torch.inference_mode():
        together = read(model, plan, 1, keep=keep)
        for at, row in enumerate(rows):
            alone = model(input_ids=torch.tensor([row])).logits[0, -keep:]
            torch.testing.assert_close(together.logits[at], alone, atol=1e-5, rtol=1e-4)
            assert together.ids[at][together.mask[at].bool()].tolist() == row
    assert together.cache.get_seq_length() == together.mask.shape[1]
