"""The combined rating: the weighted mean of alignment, with weight 1, and engagement.

One rule holds wherever a rating is missing: a missing engagement is left out together with its
weight, and without a rating of alignment there is no combined rating.
"""


def combined_rating(
    alignment: float | None, engagement: float | None, engagement_weight: float
) -> float | None:
    """Return the combined rating, on the scale of the two ratings.

    Args:
        alignment: Rating of alignment; without one the result is None.
        engagement: Rating of engagement; without one the result is the rating of alignment.
        engagement_weight: Weight of engagement relative to alignment, at least 0.
    """
    if alignment is None or engagement is None or not engagement_weight:
        return alignment
    return (alignment + engagement_weight * engagement) / (1 + engagement_weight)


def combined_change(
    alignment: float | None, engagement: float | None, engagement_weight: float
) -> float:
    """Return the weighted sum of two changes of ratings, which is a society's reward.

    It is `1 + engagement_weight` times the change of the combined rating where both changes are
    there. A missing change adds nothing.
    """
    return (alignment or 0.0) + engagement_weight * (engagement or 0.0)
