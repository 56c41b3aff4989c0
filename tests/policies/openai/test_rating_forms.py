import math

import pytest

from social_sandbox.envs.turns import Tokens
from social_sandbox.policies.openai.client import Position, Reply
from social_sandbox.policies.openai.rating_forms import rating_shares, read, request, wording


def at(token: str, **top: float) -> Position:
    """A place in a reply: what was said there, and the probability of what might have been."""
    return Position(token, {t.strip("_"): math.log(p) for t, p in (top or {token: 1.0}).items()})


def reply(text: str, *positions: Position) -> Reply:
    return Reply(text, cut_off=False, tokens=Tokens(), logprobs=positions)


def test_a_rating_from_probabilities_is_their_expected_value_on_the_scale() -> None:
    said = reply("Rating: 5", at("Rating"), at(":"), at("5", _5=0.6, _6=0.2, _9=0.1, good=0.1))
    assert read("logprobs", said, 7).rating == pytest.approx((5 * 0.6 + 6 * 0.2) / 0.8, abs=1e-3)
    assert read("logprobs", said, 10).rating == pytest.approx(
        (5 * 0.6 + 6 * 0.2 + 9 * 0.1) / 0.9, abs=1e-3
    )


def test_a_10_of_one_token_counts_as_10() -> None:
    shares = rating_shares([at("9", _9=0.5, _10=0.3, _1=0.2)], 10)
    assert shares == pytest.approx({9: 0.5, 10: 0.3, 1: 0.2})


def test_a_10_of_two_tokens_shares_the_probability_of_its_1() -> None:
    shares = rating_shares([at("1", _1=0.6, _9=0.4), at("0", _0=0.75, x=0.25)], 10)
    assert shares == pytest.approx({1: 0.15, 9: 0.4, 10: 0.45})
    assert rating_shares([at("1", _1=0.6, _9=0.4)], 10) == pytest.approx({1: 0.6, 9: 0.4})


def test_a_1_that_was_not_said_tells_nothing_about_10() -> None:
    assert rating_shares([at("9", _9=0.5, _1=0.3)], 10) == pytest.approx({9: 0.5})
    assert rating_shares([at("5", _5=0.5, _1=0.3)], 7) == pytest.approx({5: 0.5, 1: 0.3})


def test_without_probabilities_the_text_is_read() -> None:
    assert read("logprobs", reply("Rating: 6"), 7).rating == 6
    assert rating_shares([at("Well")], 7) == {}


@pytest.mark.parametrize(
    ("text", "scale", "rating", "reason"),
    [
        ('{"rating": 5, "reason": "kind"}', 7, 5, "kind"),
        ('{"rating": 10, "reason": "kind"}', 10, 10, "kind"),
        ('{"rating": 10, "reason": "kind"}', 7, None, "kind"),
        ('{"rating": 10, "reason": "cut of', 10, 10, "cut of"),
        ('{"rating": 10, "reason": "cut of', 7, None, "cut of"),
        ('{"rating": 6, "reason": "a \\"wor', 7, 6, 'a \\"wor'),
        ('{"rating": true}', 7, None, ""),
        ('{"rating": 3, "reason": ["no"]}', 7, 3, ""),
        ("[5]", 7, None, ""),
        ("no", 7, None, ""),
    ],
)
def test_json_is_read_even_where_a_limit_cut_it(
    text: str, scale: int, rating: float | None, reason: str
) -> None:
    verdict = read("json_schema", reply(text), scale)
    assert (verdict.rating, verdict.reason) == (rating, reason)


def test_the_schema_allows_the_ratings_of_the_scale_and_nothing_else() -> None:
    asked = request("json_schema", reason=False, rating_scale=10)
    schema = asked["response_format"]["json_schema"]["schema"]
    assert schema["properties"]["rating"]["enum"] == list(range(1, 11))
    assert schema["required"] == ["rating"]
    assert request("text", reason=True, rating_scale=10) == {}


@pytest.mark.parametrize("form", ["json_schema", "logprobs", "text"])
@pytest.mark.parametrize("reason", [True, False])
def test_every_wording_leaves_the_scale_to_the_prompt(form, reason) -> None:
    assert "{highest}" in wording(form, reason=reason)
