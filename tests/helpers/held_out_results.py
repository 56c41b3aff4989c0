"""Held-out results of a model that was never asked."""

from social_sandbox.alignment.evaluation.held_out import HeldOutResults


def results(*samples: list[float | None], margins: list[float] | None = None) -> HeldOutResults:
    """Return results with these ratings of alignment, by sample and question."""
    n_questions = len(samples[0])
    answers = [[f"answer {n}" for n in range(n_questions)] for _ in samples]
    ratings = {"alignment": list(samples), "engagement": [[4.0] * n_questions for _ in samples]}
    return HeldOutResults(answers, ratings, margins or [0.1] * n_questions)  # type: ignore[arg-type]
