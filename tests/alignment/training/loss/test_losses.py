import math
from typing import Any

import numpy as np
import pytest
import torch

from social_sandbox.alignment.training.loss.losses import (
    REDUCTIONS,
    Reduction,
    rrhf,
    sequence_nll,
    stable_alignment,
    token_nll,
)

Case = dict[str, Any]
SETTINGS: Case = {"margin": 1.0, "ratio": 0.2}


def slow_loss(case: Case, reduce: Reduction, margin: float, ratio: float) -> Case:
    """The definition, group by group, candidate by candidate."""
    sft, contrast, n_groups, n_masked = torch.zeros(()).double(), torch.zeros(()).double(), 0, 0
    n_hinges = n_active = 0
    for number in range(case["n_groups"]):
        members = [i for i, g in enumerate(case["group"].tolist()) if g == number]
        usable = [
            i for i in members if case["valid"][i] and not math.isnan(case["rating"][i].item())
        ]
        n_masked += len(members) - len(usable)
        if not usable:
            continue
        n_groups += 1
        best = usable[0]
        for i in usable[1:]:
            if case["rating"][i] > case["rating"][best]:
                best = i
        sft = sft + case["nll"][best]
        gaps = [
            case["nll"][best]
            - case["nll"][i]
            + margin * (case["rating"][best] - case["rating"][i]).double() / 7
            for i in usable
            if case["rating"][i] < case["rating"][best]
        ]
        if not gaps:
            continue
        if reduce == "mean":
            inner = [sum(gaps[1:], gaps[0]) / len(gaps)]
        elif reduce == "max":
            inner = [max(gaps, key=lambda gap: gap.item())]
        else:
            inner = gaps
        hinges = [torch.clamp(gap, min=0) for gap in inner]
        n_hinges += len(hinges)
        n_active += sum(hinge.item() > 0 for hinge in hinges)
        contrast = contrast + ratio * sum(hinges[1:], hinges[0]) / len(hinges)
    return {
        "loss": sft + contrast,
        "sft": sft,
        "contrast": contrast,
        "n_groups": n_groups,
        "n_masked": n_masked,
        "n_hinges": n_hinges,
        "n_active": n_active,
    }


def slow_rrhf(case: Case, rank_weight: float) -> Case:
    """Equations 2 and 3 of the paper, pair by pair."""
    sft, contrast = torch.zeros(()).double(), torch.zeros(()).double()
    excess, n_negatives, n_violations, n_hinges, n_active = 0.0, 0, 0, 0, 0
    for number in range(case["n_groups"]):
        usable = [
            i
            for i, group in enumerate(case["group"].tolist())
            if group == number and case["valid"][i] and not math.isnan(case["rating"][i].item())
        ]
        if not usable:
            continue
        rating, p = case["rating"].tolist(), -case["nll"]
        best = max(usable, key=lambda i: (rating[i], -i))
        sft = sft - p[best]
        for i in usable:
            for j in usable:
                if rating[i] < rating[j]:
                    hinge = torch.clamp(p[i] - p[j], min=0)
                    contrast = contrast + rank_weight * hinge
                    n_hinges, n_active = n_hinges + 1, n_active + (hinge.item() > 0)
            if rating[i] < rating[best]:
                excess += (p[best] - p[i]).item()
                n_negatives += 1
                n_violations += (p[i] > p[best]).item()
    return {
        "loss": sft + contrast,
        "sft": sft,
        "contrast": contrast,
        "excess": torch.tensor(excess, dtype=torch.double),
        "n_negatives": n_negatives,
        "n_violations": n_violations,
        "n_hinges": n_hinges,
        "n_active": n_active,
    }


def authors_loss(nll: torch.Tensor, ratings: list[float], margin: float, ratio: float) -> Any:
    """alignment.py of agi-templar/Stable-Alignment, lines 254-289, for one query."""
    scores = torch.tensor(ratings)
    sorted_ratings, indices = torch.sort(scores, descending=True)
    best = indices[0]
    best_score = sorted_ratings[0]
    others = []
    for idx in range(len(ratings)):
        if idx == best:
            continue
        # The bug: sorted ratings, read with an index of the unsorted ones.
        others.append(nll[best] - nll[idx] + (best_score - sorted_ratings[idx]) / 7 * margin)
    gaps = torch.stack(others)
    return nll[best] + ratio * torch.clamp(gaps.mean(), min=0)


def random_case(seed: int) -> Case:
    """Up to six groups of any size, some of them empty; ties, missing ratings and responses."""
    rng = np.random.default_rng(seed)
    size, n_groups = int(rng.integers(0, 16)), int(rng.integers(1, 7))
    rating = rng.integers(1, 8, size) + rng.choice([0.0, 0.5], size)
    rating[rng.random(size) < 0.2] = math.nan
    return {
        "nll": torch.tensor(rng.exponential(2.0, size), requires_grad=True),
        "rating": torch.tensor(rating, dtype=torch.float32),
        "group": torch.tensor(rng.integers(0, n_groups, size), dtype=torch.long),
        "n_groups": n_groups,
        "valid": torch.tensor(rng.random(size) < 0.85),
    }


def one_group(nll: list[float], rating: list[float]) -> Case:
    return {
        "nll": torch.tensor(nll, dtype=torch.double, requires_grad=True),
        "rating": torch.tensor(rating),
        "group": torch.zeros(len(nll), dtype=torch.long),
        "n_groups": 1,
    }


def gradient(loss: torch.Tensor, nll: torch.Tensor) -> torch.Tensor:
    (grad,) = torch.autograd.grad(loss, nll, retain_graph=True)
    return grad


@pytest.mark.parametrize("reduce", REDUCTIONS)
def test_value_gradient_and_counts_are_those_of_the_definition(reduce: Reduction) -> None:
    for seed in range(300):
        case = random_case(seed)
        ratio, margin = (0.2, 1.0) if seed % 2 else (0.7, 10.0)
        fast = stable_alignment(**case, margin=margin, ratio=ratio, reduce=reduce)
        slow = slow_loss(case, reduce, margin, ratio)
        for name, value in slow.items():
            got = getattr(fast, name).item()
            assert got == pytest.approx(torch.as_tensor(value).item(), rel=1e-9, abs=1e-9), (
                seed,
                name,
            )
        if slow["loss"].requires_grad:
            slowly = gradient(slow["loss"], case["nll"])
            torch.testing.assert_close(gradient(fast.loss, case["nll"]), slowly, msg=f"{seed}")


@pytest.mark.parametrize("reduce", REDUCTIONS)
def test_no_nan_whatever_is_masked(reduce: Reduction) -> None:
    for mask in range(2**4):
        for missing in range(2**4):
            case = one_group([0.5, 3.0, 1.0, 2.0], [5.0, 5.0, 2.0, 7.0])
            case["group"] = torch.tensor([0, 0, 2, 2])
            case["n_groups"] = 3
            for bit in range(4):
                if missing >> bit & 1:
                    case["rating"][bit] = math.nan
            valid = torch.tensor([bool(mask >> bit & 1) for bit in range(4)])
            parts = stable_alignment(**case, valid=valid, reduce=reduce, **SETTINGS)
            assert torch.isfinite(parts.mean)
            assert torch.isfinite(gradient(parts.mean, case["nll"])).all()


def test_a_candidate_that_is_not_a_number_does_no_harm_once_masked() -> None:
    case = one_group([0.5, math.nan, 2.0], [7.0, 6.0, 2.0])
    parts = stable_alignment(**case, valid=torch.tensor([True, False, True]), **SETTINGS)
    assert torch.isfinite(parts.loss)
    assert gradient(parts.loss, case["nll"])[1] == 0


def test_a_batch_without_anything_valid_is_zero_is_counted_and_can_be_differentiated() -> None:
    case = one_group([1.0, 2.0], [math.nan, math.nan])
    parts = stable_alignment(**case, **SETTINGS)
    assert (parts.mean.item(), parts.n_groups, parts.n_masked) == (0, 0, 2)
    assert gradient(parts.mean, case["nll"]).tolist() == [0, 0]
    assert parts.best.tolist() == [2]


def test_a_single_candidate_is_plain_imitation() -> None:
    parts = stable_alignment(**one_group([1.5], [3.0]), **SETTINGS)
    assert (parts.mean.item(), parts.contrast.item(), parts.n_hinges.item()) == (1.5, 0, 0)


def test_of_equals_the_first_is_imitated_and_the_others_are_let_be() -> None:
    case = one_group([3.0, 1.0, 2.0], [4.0, 7.0, 7.0])
    parts = stable_alignment(**case, reduce="mean", margin=9.0, ratio=0.5)
    assert parts.best.tolist() == [1]
    assert gradient(parts.loss, case["nll"]).tolist() == [-0.5, 1.5, 0.0]


def test_where_the_hinge_is_inactive_the_gradient_is_that_of_imitation() -> None:
    case = one_group([0.1, 9.0, 8.0], [7.0, 1.0, 2.0])
    for reduce in REDUCTIONS:
        parts = stable_alignment(**case, reduce=reduce, **SETTINGS)
        assert parts.n_active == 0
        assert torch.equal(gradient(parts.loss, case["nll"]), gradient(parts.sft, case["nll"]))


def test_the_mean_lets_one_negative_make_up_for_another_and_the_variants_do_not() -> None:
    case = one_group([1.0, 9.0, 0.5], [7.0, 1.0, 1.0])
    active = {}
    for reduce in REDUCTIONS:
        parts = stable_alignment(**case, reduce=reduce, **SETTINGS)
        active[reduce] = (int(parts.n_active), int(parts.n_hinges))
    assert active == {"mean": (0, 1), "max": (1, 1), "mean_of_hinges": (1, 2)}


def test_the_worked_example_of_the_equation() -> None:
    parts = stable_alignment(**one_group([2.0, 1.0], [7.0, 3.5]), margin=1.0, ratio=0.2)
    assert parts.mean.item() == pytest.approx(2.0 + 0.2 * (2.0 - 1.0 + 0.5))


@pytest.mark.parametrize("reduce", REDUCTIONS)
def test_the_order_of_groups_and_candidates_does_not_matter(reduce: Reduction) -> None:
    for seed in range(100):
        case = random_case(seed)
        rng = np.random.default_rng(seed)
        # Ties are broken by the order: make the ratings different.
        case["rating"] = case["rating"] + torch.linspace(0, 0.3, len(case["rating"]))
        order = torch.tensor(rng.permutation(len(case["rating"])), dtype=torch.long)
        names = torch.tensor(rng.permutation(case["n_groups"]), dtype=torch.long)
        shuffled = {
            **{name: case[name][order] for name in ("nll", "rating", "valid")},
            "group": names[case["group"]][order],
            "n_groups": case["n_groups"],
        }
        one, two = (stable_alignment(**c, reduce=reduce, **SETTINGS).mean for c in (case, shuffled))
        torch.testing.assert_close(one, two)
        grads = gradient(one, case["nll"]), gradient(two, case["nll"])
        torch.testing.assert_close(*grads)


def test_a_shift_of_all_ratings_does_not_matter_nor_does_a_common_scale() -> None:
    for seed in range(50):
        case = random_case(seed)
        plain = stable_alignment(**case, **SETTINGS).loss
        shifted = stable_alignment(**{**case, "rating": case["rating"] + 100}, **SETTINGS).loss
        doubled = {**case, "rating": case["rating"] * 2}
        torch.testing.assert_close(plain, shifted)
        torch.testing.assert_close(
            plain, stable_alignment(**doubled, rating_scale=14, **SETTINGS).loss
        )


def test_groups_rated_on_scales_of_their_own_give_the_sum_of_their_losses() -> None:
    for seed in range(50):
        case = random_case(seed)
        scale = torch.where(case["group"] % 2 == 0, 7.0, 10.0)
        whole = stable_alignment(**case, rating_scale=scale, **SETTINGS)
        parts = [
            stable_alignment(
                **{name: case[name][own] for name in ("nll", "rating", "valid", "group")},
                n_groups=case["n_groups"],
                rating_scale=each,
                **SETTINGS,
            )
            for each in (7.0, 10.0)
            for own in (scale == each,)
        ]
        torch.testing.assert_close(whole.loss, parts[0].loss + parts[1].loss)


def test_sums_over_any_split_into_batches_are_those_of_the_whole() -> None:
    for seed in range(100):
        case = random_case(seed)
        whole = stable_alignment(**case, **SETTINGS)
        low = case["group"] < case["n_groups"] // 2
        parts = [
            stable_alignment(
                **{name: case[name][half] for name in ("nll", "rating", "valid", "group")},
                n_groups=case["n_groups"],
                **SETTINGS,
            )
            for half in (low, ~low)
        ]
        torch.testing.assert_close(whole.loss, parts[0].loss + parts[1].loss)
        assert whole.n_groups == parts[0].n_groups + parts[1].n_groups


@pytest.mark.parametrize("reduce", REDUCTIONS)
def test_the_gradient_through_logits_is_exact(reduce: Reduction) -> None:
    torch.manual_seed(3)
    targets, sequence = torch.randint(0, 5, (9,)), torch.tensor([0, 0, 0, 1, 1, 2, 4, 4, 4])
    rating, group = torch.tensor([7.0, 4.0, 1.0, 2.0, 6.0]), torch.tensor([0, 0, 0, 1, 1])

    def loss(logits: torch.Tensor) -> torch.Tensor:
        nll, count = sequence_nll(token_nll(logits, targets), sequence, 5)
        return stable_alignment(
            nll, rating, group, 2, margin=3.0, ratio=0.7, reduce=reduce, valid=count > 0
        ).mean

    assert torch.autograd.gradcheck(loss, torch.randn(9, 5, dtype=torch.double, requires_grad=True))


def test_the_nll_of_a_sequence_is_the_mean_over_its_own_tokens() -> None:
    nll = torch.tensor([1.0, 2.0, 6.0, 4.0])
    mean, count = sequence_nll(nll, torch.tensor([0, 0, 2, 0]), 4)
    assert mean.tolist() == pytest.approx([7 / 3, 0, 6, 0])
    assert count.tolist() == [3, 0, 1, 0]


def test_log_probabilities_are_computed_in_float32() -> None:
    logits = torch.randn(4, 50, generator=torch.Generator().manual_seed(0)).bfloat16()
    nll = token_nll(logits, torch.arange(4))
    assert nll.dtype == torch.float32
    torch.testing.assert_close(nll, token_nll(logits.float(), torch.arange(4)))


def test_an_unknown_reduction_is_refused() -> None:
    with pytest.raises(ValueError, match="mean_of_hinges"):
        stable_alignment(**one_group([1.0], [1.0]), reduce="median", **SETTINGS)


def test_rrhf_has_the_value_the_gradient_and_the_counts_of_its_definition() -> None:
    for seed in range(300):
        case = random_case(seed)
        weight = 1.0 if seed % 2 else 0.3
        fast, slow = rrhf(**case, rank_weight=weight), slow_rrhf(case, weight)
        for name, value in slow.items():
            got = getattr(fast, name).item()
            assert got == pytest.approx(torch.as_tensor(value).item(), rel=1e-9, abs=1e-9), (
                seed,
                name,
            )
        if slow["loss"].requires_grad:
            slowly = gradient(slow["loss"], case["nll"])
            torch.testing.assert_close(gradient(fast.loss, case["nll"]), slowly, msg=f"{seed}")


def test_the_worked_example_of_rrhf() -> None:
    # The best is the likeliest but one; of three pairs (worse, better) two are the wrong way round.
    parts = rrhf(**one_group([2.0, 1.0, 1.5], [7.0, 3.0, 1.0]))
    assert parts.loss.item() == pytest.approx(2.0 + (2.0 - 1.0) + (2.0 - 1.5) + 0.0)
    assert (parts.n_hinges.item(), parts.n_active.item(), parts.n_violations.item()) == (3, 2, 2)


def test_the_bug_of_the_authors_code_is_theirs() -> None:
    differs = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        sizes = rng.integers(2, 6, 3)
        ratings = [rng.permutation(7)[:size] + 1.0 for size in sizes]
        nll = torch.tensor(rng.exponential(2.0, int(sizes.sum())), requires_grad=True)
        case: Case = {
            "nll": nll,
            "rating": torch.tensor(np.concatenate(ratings), dtype=torch.float32),
            "group": torch.tensor(np.repeat(np.arange(3), sizes)),
            "n_groups": 3,
        }
        settings: Case = {"margin": 10.0, "ratio": 0.5}
        parts = zip(nll.split(sizes.tolist()), ratings, strict=True)
        wanted = sum(authors_loss(part, list(rated), **settings) for part, rated in parts)
        found = stable_alignment(**case, **settings, reference_bug=True)
        torch.testing.assert_close(found.loss.double(), wanted.double(), rtol=1e-6, atol=1e-6)
        grads = gradient(found.loss, nll), gradient(wanted, nll)
        torch.testing.assert_close(*grads)
        differs += not torch.isclose(found.loss, stable_alignment(**case, **settings).loss).item()
    assert differs > 60


@pytest.mark.parametrize("reduce", REDUCTIONS)
def test_the_bug_does_not_matter_where_ratings_are_sorted_and_changes_margins_only(
    reduce: Reduction,
) -> None:
    case = one_group([0.5, 3.0, 1.0], [7.0, 5.0, 2.0])
    plain, bug = (
        stable_alignment(**case, reduce=reduce, reference_bug=with_bug, **SETTINGS)
        for with_bug in (False, True)
    )
    assert plain.loss.item() == bug.loss.item()
    for seed in range(100):
        # Without a margin there is nothing to take from the wrong candidate.
        case = random_case(seed)
        plain, bug = (
            stable_alignment(**case, reduce=reduce, reference_bug=with_bug, margin=0.0, ratio=0.5)
            for with_bug in (False, True)
        )
        assert plain.loss.item() == bug.loss.item()


def test_how_far_the_low_rated_are_past_the_margin_is_counted() -> None:
    # Wanted: 1 nat for each of the two; one is 2 nats away, the other half a nat.
    parts = stable_alignment(**one_group([1.0, 3.0, 1.5], [7.0, 3.5, 3.5]), margin=2.0, ratio=0.2)
    assert parts.excess.item() == pytest.approx((2 - 1) + (0.5 - 1))
    assert (parts.n_negatives.item(), parts.n_violations.item()) == (2, 1)
