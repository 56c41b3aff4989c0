"""Fitting the head of the embedded observer, a Bradley-Terry model linear in embeddings."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.rules.questions import held_out_questions, society_questions
from social_sandbox.envs.rules.seeding import key
from social_sandbox.policies.value_model.minilm import MiniLMEmbedder
from social_sandbox.policies.value_model.policy import BLOCKS, Array, ValueHead, save_head

from ..data.formats.hh import read_pairs
from ..data.pairs import Pair
from .card import CARD, HUMAN_DATA
from .comparisons import Comparisons, accuracy, compare_pairs, compare_project_answers, tricks

HEAD = "value_head.safetensors"
"""File name of a fitted head."""
HELD_OUT_SHARE = 0.2
"""Share of the first human turns whose pairs are held out."""
PENALTIES = (300.0, 1000.0, 3000.0, 10000.0)
"""L2 penalties among which cross-validation chooses."""
FOLDINGS, FOLDS = 2, 5
"""Number of repetitions of the cross-validation, and number of folds in each."""
OTHER_SPLITS = 10
"""Number of further splits on which training is repeated: one held-out fifth is a noisy measure."""
_SENTENCE_SCALE = 0.05
"""Divisor of the sentence features; see `_feature_scale`."""


@dataclass(frozen=True, slots=True)
class FittedHead:
    """A head, the penalty of its fit, and the cross-validated accuracy with that penalty."""

    head: ValueHead
    penalty: float
    cv_human: float
    """Accuracy on human preferences."""
    cv_own: float
    """Accuracy on the project's own answers."""


def split_pairs(pairs: Sequence[Pair], seed: int) -> tuple[list[Pair], list[Pair]]:
    """Split pairs into training and held-out pairs.

    The side of a pair depends only on the seed and its first human turn, so pairs that share this
    turn stay on one side. An evaluation with the same seed gets pairs unseen in training.

    Returns:
        The training pairs and the held-out pairs.
    """
    sides: tuple[list[Pair], list[Pair]] = ([], [])
    for pair in pairs:
        sides[is_held_out(pair.first_question, seed)].append(pair)
    return sides


def is_held_out(prompt_start: str, seed: int = 0) -> bool:
    """Return whether pairs with this first turn are held out; the shipped head has seed 0."""
    return _bucket(prompt_start, seed, "held_out") < HELD_OUT_SHARE


def train_value_head(
    pairs_path: str | Path,
    output_dir: str | Path,
    seed: int = 0,
    embedder: MiniLMEmbedder | None = None,
) -> dict[str, float]:
    """Call `fit_and_save` on a file of human preferences."""
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
    """Fit a head, write it with its card, and return its metrics; deterministic for a seed.

    Args:
        pairs: Preference pairs.
        output_dir: Folder for `value_head.safetensors` and its card, `README.md`.
        data: Description of the pairs for the card.
        seed: Seed of the split into training and held-out pairs.
        embedder: The sentence encoder; None: the embedded one.
        encoder: Name of the sentence encoder for the card.

    Returns:
        `seed`, `penalty` and the cross-validated accuracies `cv_human` and `cv_own`; the accuracy
        (share of pairs whose better answer rates higher) on held-out human preferences (`human`)
        and on the project's own held-out answers (`own`), each with its exact 95 % interval
        (`_low`, `_high`) and number (`_n`); mean, least and greatest accuracy over other splits
        (`splits`, `splits_low`, `splits_high`); and the metrics of `tricks`.

    Raises:
        UserError: There are too few pairs.
    """
    embedder = embedder or MiniLMEmbedder()
    train, held = split_pairs(pairs, seed)
    if len(train) < 10 or not held:
        raise UserError(f"pairs: {len(pairs)} pairs are too few to train on some and hold some out")
    human = compare_pairs(embedder, train)
    project = compare_project_answers(embedder, society_questions())
    held_human = compare_pairs(embedder, held)
    held_project = compare_project_answers(embedder, held_out_questions())
    fitted = fit_head(human, project, [pair.first_question for pair in train])
    metrics = {
        "seed": seed,
        "penalty": fitted.penalty,
        "cv_human": fitted.cv_human,
        "cv_own": fitted.cv_own,
        **accuracy("human", fitted.head, held_human),
        **accuracy("own", fitted.head, held_project),
        **_other_splits(human, held_human, project, train + held, fitted.penalty),
        **tricks(embedder, fitted.head, held_project),
    }
    folder = Path(output_dir)
    metadata = {"embedder": encoder, **{name: str(v) for name, v in metrics.items()}}
    save_head(folder / HEAD, fitted.head, metadata)
    (folder / "README.md").write_text(
        CARD.format(data=data, encoder=encoder, **metrics), encoding="utf-8"
    )
    return metrics


def fit_head(human: Comparisons, project: Comparisons, first_turns: Sequence[str]) -> FittedHead:
    """Fit a Bradley-Terry model, linear in the features, with an L2 penalty.

    The penalty is chosen by cross-validation within these comparisons, with the one-standard-error
    rule.

    Args:
        human: Human preferences.
        project: The project's own good and bad answers.
        first_turns: First human turn of each human preference; preferences that share a turn stay
            in one fold.
    """
    better = np.concatenate([human.better_rows, project.better_rows])
    worse = np.concatenate([human.worse_rows, project.worse_rows])
    scale = _feature_scale(np.concatenate([better, worse]))
    difference = (better - worse) / scale
    n = len(human)

    def validate(penalty: float) -> Array:
        """Return for each pair how often a head fitted to the other folds is right, 0 to 1."""
        correct = np.zeros(len(difference))
        for folding in range(FOLDINGS):
            texts = (*first_turns, *project.questions)
            buckets = np.array([_bucket(text, folding, "fold") for text in texts])
            folds = (FOLDS * buckets).astype(int)
            for fold in range(FOLDS):
                unseen = folds == fold
                correct[unseen] += difference[unseen] @ _fit(difference[~unseen], penalty) > 0
        return correct / FOLDINGS

    validations = {penalty: validate(penalty) for penalty in PENALTIES}
    best = max(correct.mean() for correct in validations.values())
    # Choose the strongest penalty within one standard error of the best: differences between
    # penalties are smaller than the noise of their measurement.
    error = np.sqrt(best * (1 - best) / len(difference))
    penalty = max(p for p, correct in validations.items() if correct.mean() >= best - error)
    correct = validations[penalty]
    weights = _fit(difference, penalty) / scale
    # Calibrate on the project's own answers, which resemble those of a society: their median rates
    # 4, and their middle 90 % lie on about 1.7 to 6.3. Calibrated on human pairs, most of which are
    # refusals, nearly all good answers to a society's questions would rate below the midpoint.
    scores = np.concatenate([project.better_rows, project.worse_rows]) @ weights
    low, middle, high = np.quantile(scores, [0.05, 0.5, 0.95])
    head = ValueHead(weights, offset=float(middle), scale=float(high - low) / 4)
    return FittedHead(head, penalty, float(correct[:n].mean()), float(correct[n:].mean()))


def _bucket(text: str, seed: int, purpose: str) -> float:
    """Return a number in [0, 1) that depends on the arguments alone."""
    return key(seed, purpose, text) / 2**63


def _feature_scale(rows: Array) -> Array:
    """Return the divisor of each feature, which decides how strongly the penalty acts on it.

    States of the middle layer are divided by their standard deviation. Sentence features share one
    scale, so that the weak q*a is not enlarged to the size of the others.
    """
    sentence = 3 * rows.shape[1] // BLOCKS
    middle = rows[:, sentence:].std(0) + 1e-6
    return np.concatenate([np.full(sentence, _SENTENCE_SCALE), middle])


def _fit(difference: Array, penalty: float) -> Array:
    """Return the weights that minimise the penalised logistic loss of feature differences.

    Args:
        difference: Features of the better answer minus those of the worse, (pairs, features).
        penalty: Factor of half the squared norm of the weights.
    """

    def objective(x: Array) -> tuple[float, Array]:
        margin = difference @ x
        loss = np.logaddexp(0, -margin).sum() + penalty * x @ x / 2
        error = 1 / (1 + np.exp(np.clip(margin, -50, 50)))
        return float(loss), penalty * x - error @ difference

    start = np.zeros(difference.shape[1])
    return np.asarray(minimize(objective, start, jac=True, method="L-BFGS-B").x)


def _other_splits(
    human: Comparisons,
    held: Comparisons,
    project: Comparisons,
    pairs: Sequence[Pair],
    penalty: float,
) -> dict[str, float]:
    """Return mean, least and greatest accuracy on human preferences held out in other splits.

    The penalty stays the same.
    """
    better = np.concatenate([human.better_rows, held.better_rows, project.better_rows])
    worse = np.concatenate([human.worse_rows, held.worse_rows, project.worse_rows])
    difference = (better - worse) / _feature_scale(np.concatenate([better, worse]))
    shares = []
    for split in range(OTHER_SPLITS):
        buckets = [_bucket(pair.first_question, split, "other split") for pair in pairs]
        unseen = np.array([bucket < HELD_OUT_SHARE for bucket in buckets] + [False] * len(project))
        shares.append((difference[unseen] @ _fit(difference[~unseen], penalty) > 0).mean())
    names = ("splits", "splits_low", "splits_high")
    return dict(zip(names, map(float, (np.mean(shares), min(shares), max(shares))), strict=True))
