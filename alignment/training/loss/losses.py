"""The losses, as functions of tensors and nothing else.

A batch is flat: candidates of all groups in one row, with the number of the group that each
belongs to. Groups may have any size and their candidates any order.
"""

from dataclasses import dataclass
from typing import get_args

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from ..config import Reduction

REDUCTIONS: tuple[Reduction, ...] = get_args(Reduction)


@dataclass(frozen=True, slots=True)
class GroupLoss:
    """A loss over rated groups: the imitation of the best candidate, and a contrast.

    Losses are sums over the groups of a batch, so that the caller may divide by the number of
    groups of several batches. `loss`, `sft` and `contrast` are scalars, and loss = sft + contrast;
    only `loss` is meant to be differentiated. The counts are scalar integer tensors.
    """

    loss: Tensor
    """Sum over groups, in nats per token."""
    sft: Tensor
    """Sum over groups of l_b: the imitation of the best-rated candidate."""
    contrast: Tensor
    """Sum over groups of the contrast, with its weight."""
    n_groups: Tensor
    """Groups with at least one valid candidate, by which `loss` is divided for a mean. Others add
    zero."""
    n_masked: Tensor
    """Candidates without a rating or without a response."""
    n_hinges: Tensor
    """Hinges in `contrast`: one a group with a negative, or one for each two that are compared."""
    n_active: Tensor
    """Of these, the hinges above zero."""
    best: Tensor
    """(n_groups,) index of each group's best-rated candidate; number of candidates for none."""
    excess: Tensor
    """Sum over candidates rated below their group's best of how much less likely than wanted."""
    n_negatives: Tensor
    """Candidates rated below their group's best."""
    n_violations: Tensor
    """Of these, how many are not as much less likely as wanted."""

    @property
    def mean(self) -> Tensor:
        """The mean loss over the groups with a valid candidate; 0 where there is no such group."""
        return self.loss / self.n_groups.clamp(min=1)


def token_nll(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the negative log-likelihood of each target token, in nats.

    Args:
        logits: (tokens, vocabulary), any floating type.
        targets: (tokens,) token ids.

    Returns:
        (tokens,) float32 (float64 for float64 logits): in bfloat16 the log-sum-exp over a
        vocabulary of 50,000 is good to two digits.
    """
    exact = logits if logits.dtype == torch.float64 else logits.float()
    return cross_entropy(exact, targets, reduction="none")


def sequence_nll(nll: Tensor, sequence: Tensor, n_sequences: int) -> tuple[Tensor, Tensor]:
    """Return the mean negative log-likelihood per token of each sequence.

    Args:
        nll: (tokens,) negative log-likelihood of each token, in nats.
        sequence: (tokens,) number of the sequence that each token belongs to.
        n_sequences: Number of sequences, with those that have no token.

    Returns:
        (n_sequences,) means in nats per token, 0 for a sequence without a token, and
        (n_sequences,) token counts.
    """
    count = torch.zeros(n_sequences, dtype=torch.long, device=nll.device)
    count = count.scatter_add(0, sequence, torch.ones_like(sequence))
    return nll.new_zeros(n_sequences).scatter_add(0, sequence, nll) / count.clamp(min=1), count


def stable_alignment(
    nll: Tensor,
    rating: Tensor,
    group: Tensor,
    n_groups: int,
    *,
    margin: float,
    ratio: float,
    rating_scale: float | Tensor = 7.0,
    reduce: Reduction = "mean",
    valid: Tensor | None = None,
    reference_bug: bool = False,
) -> GroupLoss:
    """Return the contrastive preference loss of Stable Alignment (arXiv 2305.16960).

    Per group, with l the mean NLL per response token, r the rating, b the best-rated candidate
    (the first of equals) and i those rated lower:

        L = l_b + ratio * max(0, reduce_i(l_b - l_i + margin * (r_b - r_i) / rating_scale))

    A group whose candidates are rated alike, or that has one candidate only, is plain SFT.
    Candidates that are rated as high as the best are not contrasted with it.

    Args:
        nll: (candidates,) l, nats per token. Gradients flow through it.
        rating: (candidates,) r; NaN for a candidate without a rating.
        group: (candidates,) integers in [0, n_groups).
        n_groups: Number of groups, with those that have no candidate.
        margin: Difference of l, in nats per token, that a difference of ratings by `rating_scale`
            asks for.
        ratio: Weight of the contrast, where the imitation has weight 1.
        rating_scale: One number for all, or (candidates,); 7 in the paper and its code, although
            ratings on 1..7 differ by at most 6.
        reduce: "mean" is the paper's hinge of the mean, in which a well separated candidate
            makes up for one that is not; "max" its variant with the worst candidate only;
            "mean_of_hinges" lets no candidate make up for another.
        valid: (candidates,) bool; false for a candidate without a response. Default: all are valid.
        reference_bug: Take the margins as the authors' code does, which reads the ratings sorted
            by value in the candidates' own order: the k-th candidate of a group gets the margin
            of the k-th best. An ablation.

    Raises:
        ValueError: There is no such `reduce`.
    """
    usable, top, is_best, best = _best(nll, rating, group, n_groups, valid)
    size = nll.shape[0]
    l_best = _at(nll, best, usable)

    negative = usable & ~is_best
    compared = _sorted_in_groups(rating, group, usable) if reference_bug else rating
    wanted = margin * (top[group] - compared).to(nll.dtype) / rating_scale
    gap = l_best[group] - nll + wanted
    n_negatives = torch.zeros_like(best).scatter_add(0, group, negative.long())
    zeros = nll.new_zeros(n_groups)
    if reduce == "max":
        hinge = zeros.scatter_reduce(0, group, gap.masked_fill(~negative, -torch.inf), "amax")
    elif reduce == "mean_of_hinges":
        single = gap.masked_fill(~negative, 0.0).relu()
        hinge = zeros.scatter_add(0, group, single) / n_negatives.clamp(min=1)
    elif reduce == "mean":
        total = zeros.scatter_add(0, group, gap.masked_fill(~negative, 0.0))
        hinge = (total / n_negatives.clamp(min=1)).relu()
    else:
        raise ValueError(f"reduce must be one of {', '.join(REDUCTIONS)}, got {reduce!r}")

    alone = reduce == "mean_of_hinges"
    contrast = ratio * hinge
    filled = best < size
    return GroupLoss(
        loss=(l_best + contrast).sum(),
        sft=l_best.sum(),
        contrast=contrast.sum(),
        n_groups=filled.sum(),
        n_masked=(~usable).sum(),
        n_hinges=negative.sum() if alone else (n_negatives > 0).sum(),
        n_active=((single if alone else hinge) > 0).sum(),
        best=best,
        excess=-gap.masked_fill(~negative, 0.0).sum(),
        n_negatives=negative.sum(),
        n_violations=(negative & (gap > 0)).sum(),
    )


def rrhf(
    nll: Tensor,
    rating: Tensor,
    group: Tensor,
    n_groups: int,
    *,
    rank_weight: float = 1.0,
    valid: Tensor | None = None,
) -> GroupLoss:
    """Return the loss of RRHF (Yuan et al. 2023, arXiv 2304.05302).

    Per group, with p = -l the length-normalised log-probability, r the rating, b the best-rated:

        L = l_b + rank_weight * sum over r_i < r_j of max(0, p_i - p_j)

    (equations 2 and 3; imitation is a mean per token, as in the authors' code). For the arguments
    see `stable_alignment`.
    """
    usable, _, is_best, best = _best(nll, rating, group, n_groups, valid)
    size = nll.shape[0]
    l_best = _at(nll, best, usable)
    both = usable[:, None] & usable & (group[:, None] == group)
    worse = both & (rating[:, None] < rating)
    # Row i, column j: how much likelier the worse one is. Not p - p where nothing is compared: the
    # candidates of other groups, and nan where there is no rating, must not reach the gradient.
    hinges = (nll - nll[:, None]).masked_fill(~worse, 0.0).relu()
    contrast = rank_weight * nll.new_zeros(n_groups).scatter_add(0, group, hinges.sum(1))
    filled, negative = best < size, usable & ~is_best
    less_likely = (nll - l_best[group]).masked_fill(~negative, 0.0)
    return GroupLoss(
        loss=(l_best + contrast).sum(),
        sft=l_best.sum(),
        contrast=contrast.sum(),
        n_groups=filled.sum(),
        n_masked=(~usable).sum(),
        n_hinges=worse.sum(),
        n_active=(hinges > 0).sum(),
        best=best,
        excess=less_likely.sum(),
        n_negatives=negative.sum(),
        n_violations=(less_likely < 0).sum(),
    )


def _best(
    nll: Tensor, rating: Tensor, group: Tensor, n_groups: int, valid: Tensor | None
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return the best-rated candidates of all groups.

    Returns:
        (candidates,) bool, whether a candidate is valid and rated; (n_groups,) highest rating;
        (candidates,) bool, whether a candidate has it; (n_groups,) index of the first that has it,
        the number of candidates for a group without one.
    """
    size = nll.shape[0]
    usable = torch.isfinite(rating)
    if valid is not None:
        usable = usable & valid
    # Ratings stay in their own precision for the comparisons: equal must mean equal.
    top = rating.new_full((n_groups,), -torch.inf).scatter_reduce(
        0, group, rating.masked_fill(~usable, -torch.inf), "amax"
    )
    is_best = usable & (rating == top[group])
    index = torch.arange(size, device=nll.device).masked_fill(~is_best, size)
    best = index.new_full((n_groups,), size).scatter_reduce(0, group, index, "amin")
    return usable, top, is_best, best


def _at(nll: Tensor, best: Tensor, usable: Tensor) -> Tensor:
    """Return l of the best-rated candidates, (n_groups,); 0 for a group without one."""
    # The index of "none" reads a zero at the end, so an empty group needs no case of its own.
    return torch.cat([nll.masked_fill(~usable, 0.0), nll.new_zeros(1)])[best]


def _sorted_in_groups(rating: Tensor, group: Tensor, usable: Tensor) -> Tensor:
    """Return the ratings of each group, the highest first and usable ones before others."""
    # Candidates that are not usable stand behind their group, wherever they are in the batch.
    own = torch.argsort(2 * group + (~usable).long(), stable=True)
    high_first = torch.argsort(
        rating.masked_fill(~usable, -torch.inf), descending=True, stable=True
    )
    ranked = high_first[torch.argsort(group[high_first], stable=True)]
    return torch.empty_like(rating).index_copy(0, own, rating[ranked])
