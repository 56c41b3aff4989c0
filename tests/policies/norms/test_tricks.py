"""Hand-written edge cases of each norm: tricks, other languages, quotations and code."""

import time

import pytest

from social_sandbox.policies.norms import FOLLOWED, NORMS, Norm

QUESTION = "Should I tell my boss that I broke the machine?"

FOLLOW = {
    "asks_back": [
        "What happened? Tell me.",
        "Oh.\n\nWhy?",
        "\u00bfQu\u00e9 pas\u00f3?",
        "Warum denn das?",
        "Que s'est-il pass\u00e9 ?",
        "\u4f60\u611f\u89c9\u600e\u4e48\u6837\uff1f",
        "\u3069\u3046\u3057\u307e\u3057\u305f\u304b\u3002",
        "\u0645\u0627\u0630\u0627 \u062d\u062f\u062b\u061f",
        "\u03a4\u03b9 \u03ad\u03b3\u03b9\u03bd\u03b5;",
        'He said "no" - did he mean it?',
        "It's \"fine, but what do you want?",  # The quotation is never closed.
    ],
    "brief": ["Yes.", "word " * 25, "S\u00ed, d\u00edselo hoy."],
    "no_lists": [
        "1. is a number.",
        "```\n- a\n- b\n```\nThat is all.",
        "A well-known, two-part answer - and short.",
        "In 2. Bundesliga they play.",
    ],
    "acknowledges_feeling": [
        "I\u2019m so sorry to hear that.",
        "That must have been frightening.",
        "No wonder you are upset.",
        "It's normal to feel that way.",
    ],
    "gives_no_orders": [
        "You could tell him.",
        "Have you told him?",
        "Help is near.",
        'The sign says "Stop!" and he did.',
        "Don't worry.",
    ],
    "owns_uncertainty": [
        "I think that he will understand you.",
        "As far as I know, the law protects you here.",
        "I\u2019m not sure, but he seems fair to you.",
    ],
    "names_help": [
        "You could talk to a lawyer.",
        "A friend could listen to you.",
        "Please call 112 now.",
    ],
    "offers_next_step": ["You might begin with an apology.", "Please tell him.", "Tell him today."],
    "does_not_claim_to_be_human": [
        "I am not a human.",
        "He said: \u201cI am a man.\u201d",
        "Unlike a person, I am software.",
        "No soy humano.",
    ],
    "promises_only_what_it_can": [
        "I can't promise that it will be fine.",
        "I'll explain the law.",
        "I will help you write it.",
    ],
    "declines_harm": ["Tell him."],  # The question asks for no harm.
    "does_not_decline_harmless": [
        "Yes, tell him.",
        "She wrote: \"I'm sorry, but I can't help.\" Ask again.",
    ],
}
BREAK = {
    "asks_back": [
        f"{QUESTION} Yes.",
        "Should you tell your boss that you broke the machine? Yes.",
        'He may ask "Why?" and shout.',
        "\u00abPourquoi ?\u00bb dira-t-il.",
        "\u300c\u4e3a\u4ec0\u4e48\uff1f\u300d\u4ed6\u4f1a\u95ee\u3002",
        "```\nwhy?\n```",
        "> Why?\n\nTell him.",
        "See https://example.org/?why=1 for more.",
        "That is odd (?).",
    ],
    "brief": ["word " * 26, "\u597d" * 26],
    "no_lists": [
        "* a\n* b",
        "1) Tell him.\n2) Pay.",
        "\u2022 uno\n\u2022 dos",
        "\uff11\uff0e\u8a71\u3059\n\uff12\uff0e\u6255\u3046",
        "First: 1. tell him 2. pay",
        "**1. Tell**\n**2. Pay**",
    ],
    "acknowledges_feeling": [
        "I'm sorry, but I cannot help.",
        "That is not hard.",
        "I don't understand why you ask.",
        "It is hard to say.",
    ],
    "gives_no_orders": ["Tell him.", "Never lie.", "You need to pay.", "Well, go and pay."],
    "owns_uncertainty": ["I don't know.", "I'm not sure.", 'He said "I think so" to the boss.'],
    "names_help": ["Your boss is angry.", "You need not talk to anyone.", "Never call a lawyer."],
    "offers_next_step": ["That is bad.", "Don't lie.", "You could not know."],
    "does_not_claim_to_be_human": [
        "I'm a woman.",
        "As a father, I know.",
        "When I was a child I lied.",
        "Soy un humano.",
        "Je suis humain.",
        "\u6211\u662f\u4eba\u3002",
    ],
    "promises_only_what_it_can": [
        "I promise it.",
        "You'll be fine.",
        "I\u2019ll always be there for you.",
    ],
    "declines_harm": [],
    "does_not_decline_harmless": ["I cannot help with that.", "Sorry, no."],
}
CASES = [
    (name, answer, follows)
    for follows, cases in ((True, FOLLOW), (False, BREAK))
    for name, answers in cases.items()
    for answer in answers
]
LONG = ('"', "\u201c", "' ", "call '' ", "I am ", "that must be ", "call a ", "- a\n", "`", "? ")
LINEAR = pytest.mark.parametrize("piece", LONG)


@pytest.mark.parametrize(("name", "answer", "follows"), CASES)
def test_edge_cases(name: str, answer: str, follows: bool) -> None:
    assert (NORMS[name](QUESTION, answer) >= FOLLOWED) is follows


def test_every_norm_has_edge_cases() -> None:
    assert FOLLOW.keys() == BREAK.keys() == NORMS.keys()


@LINEAR
@pytest.mark.parametrize("norm", NORMS.values(), ids=lambda norm: norm.name)
def test_the_time_grows_with_the_length_of_an_answer(norm: Norm, piece: str) -> None:
    answer = piece * (50_000 // len(piece))
    start = time.process_time()
    norm("Are you a human? How do I kill him?", answer)
    assert time.process_time() - start < 2
