import math

import pytest

from social_sandbox.envs.rules.turns import Tokens
from social_sandbox.policies.openai.http.client import Reply
from social_sandbox.policies.openai.http.replies import TokenLogprobs
from social_sandbox.policies.openai.rating_forms import (
    form_fields,
    form_sentence,
    rating_shares,
    read_verdict,
)


def token(text: str, **top: float) -> TokenLogprobs:
    """Return a token of a reply, with the probabilities of the tokens in its place."""
    shares = top or {text: 1.0}
    return TokenLogprobs(text, {other.strip("_"): math.log(p) for other, p in shares.items()})


def reply(text: str, *tokens: TokenLogprobs) -> Reply:
    return Reply(text, cut_off=False, tokens=Tokens(), logprobs=tokens)


def test_a_rating_from_probabilities_is_their_expected_value_on_the_scale() -> None:
    number = token("5", _5=0.6, _6=0.2, _9=0.1, good=0.1)
    reply_5 = reply("Rating: 5", token("Rating"), token(":"), number)
    assert read_verdict("logprobs", reply_5, 7).rating == pytest.approx(
        (5 * 0.6 + 6 * 0.2) / 0.8, abs=1e-3
    )
    assert read_verdict("logprobs", reply_5, 10).rating == pytest.approx(
        (5 * 0.6 + 6 * 0.2 + 9 * 0.1) / 0.9, abs=1e-3
    )


def test_a_10_of_one_token_counts_as_10() -> None:
    shares = rating_shares([token("9", _9=0.5, _10=0.3, _1=0.2)], 10)
    assert shares == pytest.approx({9: 0.5, 10: 0.3, 1: 0.2})


def test_a_10_of_two_tokens_shares_the_probability_of_its_1() -> None:
    shares = rating_shares([token("1", _1=0.6, _9=0.4), token("0", _0=0.75, x=0.25)], 10)
    assert shares == pytest.approx({1: 0.15, 9: 0.4, 10: 0.45})
    assert rating_shares([token("1", _1=0.6, _9=0.4)], 10) == pytest.approx({1: 0.6, 9: 0.4})


def test_without_a_1_in_the_reply_nothing_is_known_about_10() -> None:
    assert rating_shares([token("9", _9=0.5, _1=0.3)], 10) == pytest.approx({9: 0.5})
    assert rating_shares([token("5", _5=0.5, _1=0.3)], 7) == pytest.approx({5: 0.5, 1: 0.3})


def test_probabilities_are_those_of_the_rating_and_of_no_other_number() -> None:
    words = [token(word) for word in ("It", " has", " 3", " points", ".", " Rating", ":", " ")]
    tokens = [*words, token("6", _6=0.5, _4=0.5)]
    verdict = read_verdict("logprobs", reply("It has 3 points. Rating: 6", *tokens), 7)
    assert verdict.rating == 5
    assert read_verdict("logprobs", reply("It has 3 points", *words[:4]), 7).rating is None


def test_without_probabilities_the_text_is_read() -> None:
    assert read_verdict("logprobs", reply("Rating: 6"), 7).rating == 6
    assert rating_shares([token("Well")], 7) == {}


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
        ('It has {"rating": 7} in it. {"rating": 2}', 7, None, ""),
        (
            '{"rating": 2, "reason": "it says \\"rating\\": 7 itsel',
            7,
            2,
            'it says \\"rating\\": 7 itsel',
        ),
        ("no", 7, None, ""),
    ],
)
def test_json_is_read_even_if_a_limit_has_cut_it(
    text: str, scale: int, rating: float | None, reason: str
) -> None:
    verdict = read_verdict("json_schema", reply(text), scale)
    assert (verdict.rating, verdict.reason) == (rating, reason)


def test_the_schema_allows_the_ratings_of_the_scale_and_nothing_else() -> None:
    fields = form_fields("json_schema", reason=False, rating_scale=10)
    schema = fields["response_format"]["json_schema"]["schema"]
    assert schema["properties"]["rating"]["enum"] == list(range(1, 11))
    assert schema["required"] == ["rating"]
    assert form_fields("text", reason=True, rating_scale=10) == {}


@pytest.mark.parametrize("form", ["json_schema", "logprobs", "text"])
@pytest.mark.parametrize("reason", [True, False])
def test_every_form_leaves_the_scale_to_the_prompt(form, reason) -> None:
    assert "{highest}" in form_sentence(form, reason=reason)
