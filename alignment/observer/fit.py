"""Fitting the head of the embedded observer: a Bradley-Terry model, linear in embeddings."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.questions import held_out_questions, society_questions
from social_sandbox.envs.seeding import key
from social_sandbox.policies.value_model.minilm import MiniLMEmbedder
from social_sandbox.policies.value_model.policy import BLOCKS, Array, ValueHead, save_head

from ..data.formats.hh import read_pairs
from ..data.pairs import Pair
from .card import CARD, HUMAN_DATA
from .comparisons import Comparisons, accuracy, compare_own, compare_pairs, tricks

HEAD = "value_head.safetensors"
"""The file of a fitted head."""
HELD_OUT_SHARE = 0.2
PENALTIES = (300.0, 1000.0, 3000.0, 10000.0)
FOLDINGS, FOLDS = 2, 5
"""Cross-validation is done this often, with so many folds each."""
OTHER_SPLITS = 10
"""The training is repeated on so many other splits: one held-out fifth alone is a noisy judge."""
_SENTENCE_SCALE = 0.05
"""Sentence features are divided by this and not by their own spread: see `_spread`."""


@dataclass(frozen=True, slots=True)
class FittedHead:
    """A head, the penalty it was fitted with, and how that did in cross-validation."""

    head: ValueHead
    penalty: float
    cv_human: float
    cv_own: float


def split_pairs(pairs: Sequence[Pair], seed: int) -> tuple[list[Pair], list[Pair]]:
    """(training, held-out) pairs; those with the same first human turn stay on one side.

    The side of a pair depends on the seed and its first turn alone: whoever evaluates on the
    held-out side asks here, and gets what no training has seen.
    """
    sides: tuple[list[Pair], list[Pair]] = ([], [])
    for pair in pairs:
        sides[is_held_out(pair.first_question, seed)].append(pair)
    return sides


def is_held_out(prompt_start: str, seed: int = 0) -> bool:
    """Whether pairs that begin with this turn are kept from training; the shipped head: seed 0."""
    return _bucket(prompt_start, seed, "held_out") < HELD_OUT_SHARE


def train_value_head(
    pairs_path: str | Path,
    output_dir: str | Path,
    seed: int = 0,
    embedder: MiniLMEmbedder | None = None,
) -> dict[str, float]:
    """As `fit_and_save`, on a file of people's preferences."""
    return fit_and_save(
        read_pairs(str(pairs_path), "pairs"), output_dir, HUMAN_DATA, seed, embedder
    )


def fit_and_save(
    pairs: Sequence[Pair],
    output_dir: str | Path,
    data: str,
    seed: int = 0,
    embedder: MiniLMEmbedder | None = None,
    encoder: str = "all-MiniLM-L6-v2",
) -> dict[str, float]:
    """Fit a head, write `value_head.safetensors` and its card, and return what is known of it.

    `data` says in the card what the pairs are, and `encoder` whose embeddings the head reads.

    The metrics: accuracies (share of pairs whose better answer rates higher) on held-out human
    preferences (`human`, with `_low`, `_high`, the exact 95 % interval, and `_n`) and on the
    project's own held-out answers (`own`); the same over other splits; `beats_*`: the share of
    good held-out answers that rate above a cheap trick. Deterministic for a seed.
    """
    embedder = embedder or MiniLMEmbedder()
    train, held = split_pairs(pairs, seed)
    if len(train) < 10 or not held:
        raise UserError(f"pairs: {len(pairs)} pairs are too few to train on and hold some out")
    human, own = compare_pairs(embedder, train), compare_own(embedder, society_questions())
    held_human = compare_pairs(embedder, held)
    held_own = compare_own(embedder, held_out_questions())
    fitted = fit_head(human, own, [pair.first_question for pair in train])
    metrics = {
        "seed": seed,
        "penalty": fitted.penalty,
        "cv_human": fitted.cv_human,
        "cv_own": fitted.cv_own,
        **accuracy("human", fitted.head, held_human),
        **accuracy("own", fitted.head, held_own),
        **_other_splits(human, held_human, own, train + held, fitted.penalty),
        **tricks(embedder, fitted.head, held_own),
    }
    folder = Path(output_dir)
    about = {"embedder": encoder, **{name: str(v) for name, v in metrics.items()}}
    save_head(folder / HEAD, fitted.head, about)
    (folder / "README.md").write_text(
        CARD.format(data=data, encoder=encoder, **metrics), encoding="utf-8"
    )
    return metrics


def fit_head(human: Comparisons, own: Comparisons, starts: Sequence[str]) -> FittedHead:
    """A Bradley-Terry model, linear in the features, with an L2 penalty.

    The penalty is chosen by cross-validation within these comparisons, by the one-standard-error
    rule. `starts` are the first turns of the human ones: what shares one stays in one fold.
    """
    better = np.concatenate([human.better_rows, own.better_rows])
    worse = np.concatenate([human.worse_rows, own.worse_rows])
    spread = _spread(np.concatenate([better, worse]))
    difference = (better - worse) / spread
    n = len(human)

    def validated(penalty: float) -> Array:
        """How often, of FOLDINGS times, a head that has not seen it orders each pair rightly."""
        right = np.zeros(len(difference))
        for folding in range(FOLDINGS):
            places = [_bucket(text, folding, "fold") for text in (*starts, *own.questions)]
            fold = (FOLDS * np.array(places)).astype(int)
            for left_out in range(FOLDS):
                unseen = fold == left_out
                right[unseen] += difference[unseen] @ _fit(difference[~unseen], penalty) > 0
        return right / FOLDINGS

    validations = {penalty: validated(penalty) for penalty in PENALTIES}
    best = max(right.mean() for right in validations.values())
    # The strongest penalty within a standard error of the best: the differences between
    # penalties are smaller than the noise of measuring them.
    error = np.sqrt(best * (1 - best) / len(difference))
    penalty = max(p for p, right in validations.items() if right.mean() >= best - error)
    right = validations[penalty]
    weights = _fit(difference, penalty) / spread
    # Calibrated on the project's own answers, which are what a society's answers are like: their
    # median rates 4, their middle 90 % lie on about 1.7 to 6.3. On human pairs, most of them
    # refusals, nearly all good answers to society's questions would rate below the midpoint.
    said = np.concatenate([own.better_rows, own.worse_rows]) @ weights
    low, middle, high = np.quantile(said, [0.05, 0.5, 0.95])
    head = ValueHead(weights, offset=float(middle), scale=float(high - low) / 4)
    return FittedHead(head, penalty, float(right[:n].mean()), float(right[n:].mean()))


def _bucket(text: str, seed: int, purpose: str) -> float:
    return key(seed, purpose, text) / 2**63


def _spread(rows: Array) -> Array:
    """What features are divided by, which decides how much the penalty holds them back.

    The states of the middle layer by their standard deviation; sentence features by a common
    scale, so that the weak q*a is not blown up to the size of the others.
    """
    sentence = 3 * rows.shape[1] // BLOCKS
    middle = rows[:, sentence:].std(0) + 1e-6
    return np.concatenate([np.full(sentence, _SENTENCE_SCALE), middle])


def _fit(difference: Array, penalty: float) -> Array:
    def objective(x: Array) -> tuple[float, Array]:
        margin = difference @ x
        loss = np.logaddexp(0, -margin).sum() + penalty * x @ x / 2
        pull = 1 / (1 + np.exp(np.clip(margin, -50, 50)))
        return float(loss), penalty * x - pull @ difference

    start = np.zeros(difference.shape[1])
    return np.asarray(minimize(objective, start, jac=True, method="L-BFGS-B").x)


def _other_splits(
    human: Comparisons, held: Comparisons, own: Comparisons, pairs: Sequence[Pair], penalty: float
) -> dict[str, float]:
    """Accuracy on held-out human preferences over other splits, with the same penalty."""
    better = np.concatenate([human.better_rows, held.better_rows, own.better_rows])
    worse = np.concatenate([human.worse_rows, held.worse_rows, own.worse_rows])
    difference = (better - worse) / _spread(np.concatenate([better, worse]))
    shares = []
    for split in range(OTHER_SPLITS):
        buckets = [_bucket(pair.first_question, split, "other split") for pair in pairs]
        unseen = np.array([bucket < HELD_OUT_SHARE for bucket in buckets] + [False] * len(own))
        shares.append((difference[unseen] @ _fit(difference[~unseen], penalty) > 0).mean())
    names = ("splits", "splits_low", "splits_high")
    return dict(zip(names, map(float, (np.mean(shares), min(shares), max(shares))), strict=True))
