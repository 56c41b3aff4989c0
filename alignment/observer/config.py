"""The observer's head: a Bradley-Terry model, linear in sentence embeddings, on rated pairs."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from social_sandbox.envs.errors import UserError
from social_sandbox.policies.value_model.minilm import MINILM, MiniLMEmbedder

from ..data.groups import RatedGroup
from ..data.pairs import PAIRINGS, Pairing, make_pairs
from ..training.method import ObserverMethod
from .fit import fit_and_save

DATA = "pairs of rated candidates"


@dataclass(frozen=True, kw_only=True)
class ValueHeadConfig(ObserverMethod):
    """Which of two candidates rates higher; the project's own good and bad answers join them."""

    pairing: Pairing = "best_worst"
    """Of each group; see `make_pairs`."""
    min_gap: float = 0.0
    """Ratings of a pair differ at least so much."""
    model: str = MINILM
    """The encoder; observer.model must be the same."""
    device: str | None = None
    """Of the encoder; null: a GPU where there is one."""
    seed: int = 0
    """Of the split into training and held-out pairs."""

    def __post_init__(self) -> None:
        """Raise UserError naming the setting that makes no sense."""
        if self.pairing not in PAIRINGS:
            raise UserError(f"method.pairing must be {' or '.join(PAIRINGS)}, got {self.pairing!r}")
        if self.min_gap < 0:
            raise UserError(f"method.min_gap must be at least 0, got {self.min_gap}")

    def fit(self, groups: Sequence[RatedGroup], folder: Path) -> dict[str, Any]:
        """See `ObserverMethod.fit`; writes `model/value_head.safetensors` and its card."""
        began = time.monotonic()
        pairs = make_pairs(groups, self.pairing, self.min_gap)
        embedder = MiniLMEmbedder(self.model, device=self.device)
        # The embedded one is known by its own name.
        named = {} if self.model == MINILM else {"encoder": self.model}
        metrics = fit_and_save(pairs, folder / "model", DATA, self.seed, embedder, **named)
        names = {"human": "held_out_pairs", "own": "held_out_answers"}
        return {
            "pairs": len(pairs),
            "seconds": time.monotonic() - began,
            "accuracy": {
                name: {
                    "mean": metrics[of],
                    "low": metrics[f"{of}_low"],
                    "high": metrics[f"{of}_high"],
                    "n": metrics[f"{of}_n"],
                }
                for of, name in names.items()
            },
        }
