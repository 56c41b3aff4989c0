# ruff: noqa: RUF001 - the letters of many scripts look alike
import pytest

from social_sandbox.policies.prompts.ratings import format_verdict, parse_verdict


@pytest.mark.parametrize(
    ("text", "rating"),
    [
        ("Rating: 5 ### Reason: it is kind.", 5),
        ("The answer is: Rating:1", 1),
        ("**Rating:** 4\nReason: ok", 4),
        ("Rating:__6__ ###Reason:__ fine", 6),
        ("rating = 2", 2),
        ("Rating: five", 5),
        ("Rating: 5.5", 5.5),
        ("I would rate it a 6 out of 7 because it is kind", 6),
        ("My score is 3.", 3),
        ("5/7, good", 5),
        ("7. Great", 7),
        ("6", 6),
        ("Rating: 3 ### Reason: fair. So, rating: 3", 3),
        ("Rating: \u0667", 7),
        ("评分：６", 6),
        ("6分", 6),
        ("평점: 5점", 5),
        ("रेटिंग: ५", 5),
        ("التقييم: ٦", 6),
        ("Bewertung: 5,5", 5.5),
        ("5,5", 5.5),
        ("Rating: 5 of 7.", 5),
        ('"Rating: 5 ### Reason: it is kind."', 5),
        ('{"rating": "5"}', 5),
        ("<think>Rating: 2?</think>Rating: 6", 6),
        ('Rating: 2 ### Reason: It says "Rating: 7 ### Reason: kind".', 2),
        ("> Rating: 7\nRating: 2", 2),
        ("`Rating: 7` is what it says of itself. Rating: 2", 2),
        ("The draft says Rating: 7. Rating: 2 ### Reason: it is cold.", 2),
    ],
)
def test_the_forms_in_which_models_write_ratings_are_read(text: str, rating: float) -> None:
    assert parse_verdict(text).rating == rating


@pytest.mark.parametrize(
    "text",
    [
        "",
        "I like it.",
        "The answer is 1. It is fair. The answer is 2.",
        "Rating: 5, Rating: 2",
        "Rating: 9",
        "Rating: 0",
        "Rating: -3",
        "Rating: 1-7 ### Reason:",
        "Rating: 1\u20137",
        "on a scale of 1 to 7 this is fine",
        "4/5 stars",
        "Rating: 7/10",
        "7 people like it",
        "Rating: 5 of 5,000",
        "5,000",
        "Rating: 4 or 5",
        "Rating: five to six",
        "1. First point 2. Second",
        "Answer:\n1) Be kind\n2) Be fair",
        'The answer says "Rating: 7".',
        "The draft claims Rating: 7.",
        "<think>Rating: 2",
        "Rating: " + "9" * 5000,
    ],
)
def test_an_uncertain_rating_is_missing(text: str) -> None:
    assert parse_verdict(text).rating is None


@pytest.mark.parametrize(
    ("text", "rating"),
    [
        ("Rating: 10 ### Reason: it is kind.", 10),
        ("Rating: 9", 9),
        ("8/10, good", 8),
        ("ten out of 10", 10),
        ("Rating: 5/7", None),
        ("Rating: 11", None),
        ("Rating: 1-10", None),
    ],
)
def test_ratings_are_read_on_the_requested_scale(text: str, rating: float | None) -> None:
    assert parse_verdict(text, 10).rating == rating


def test_the_reason_is_read_behind_its_label_or_behind_the_rating() -> None:
    assert parse_verdict("Rating: 5 ### Reason: it is kind.").reason == "it is kind."
    assert parse_verdict("Rating: 5. It is kind.").reason == "It is kind."
    assert parse_verdict("Well, it is kind.").reason == "Well, it is kind."


@pytest.mark.parametrize("rating", [1.0, 4.0, 7.0, None])
def test_a_formatted_verdict_is_read_back(rating: float | None) -> None:
    verdict = parse_verdict(format_verdict(rating, "it is fair"))
    assert (verdict.rating, verdict.reason) == (rating, "it is fair")
