from itertools import combinations, pairwise

import torch
from hypothesis import given
from hypothesis import strategies as st

from social_sandbox.policies.huggingface.batches import batches

CPU = torch.device("cpu")
LENGTHS = st.lists(st.integers(1, 300), max_size=9).map(lambda many: sorted(many, reverse=True))


@given(LENGTHS, st.sampled_from([0, 1, 24]), st.integers(1, 9), st.integers(1, 2000))
def test_no_other_division_is_cheaper(
    lengths: list[int], new_tokens: int, max_rows: int, max_tokens: int
) -> None:
    def allowed(batch: range) -> bool:
        tokens = len(batch) * (lengths[batch[0]] + new_tokens)
        return len(batch) == 1 or (len(batch) <= max_rows and tokens <= max_tokens)

    def cost(cut: list[range]) -> float:
        padded = sum(len(batch) * lengths[batch[0]] for batch in cut)
        return padded + 50 * (1 + new_tokens) * len(cut)

    division = batches(lengths, new_tokens, max_rows=max_rows, max_tokens=max_tokens, device=CPU)
    assert [place for batch in division for place in batch] == list(range(len(lengths)))
    assert all(map(allowed, division))
    inner = range(1, len(lengths))
    every = (
        [range(a, b) for a, b in pairwise([0, *cuts, len(lengths)])]
        for count in range(len(lengths))
        for cuts in combinations(inner, count)
    )
    assert all(cost(division) <= cost(cut) for cut in every if all(map(allowed, cut)))


def test_a_device_for_which_padding_is_cheap_gets_large_batches() -> None:
    lengths = [300, *[20] * 60]
    cuts = [
        len(batches(lengths, 24, max_rows=64, max_tokens=10**6, device=torch.device(kind)))
        for kind in ("cpu", "cuda")
    ]
    assert cuts == [2, 1]
