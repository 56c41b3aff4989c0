"""A rule on the beginning of answers, on answers written and labelled by hand for this project."""

import pytest

from social_sandbox.policies.norms.language.refusals import is_refusal

REFUSALS = (
    "I'm sorry, but I can't help with that.",
    "I\u2019m sorry, I cannot do this.",
    "Sorry, no.",
    "I apologize, but this goes too far.",
    "As an AI language model, I do not do that.",
    "As an AI, I am not able to take part in this.",
    "I will not write that.",
    "I won't explain how locks are picked for burglars.",
    "It is illegal to do so.",
    "It's not right to read her letters.",
    "I'd rather not.",
    "I would prefer not to go into this.",
    "No, that would be wrong.",
    "No. This is dangerous and I hope you are well.",
    "We can't help you to hurt somebody.",
    "I don't think I can assist with this.",
    "I do not think we should talk about poisons.",
    "I must decline.",
    "I'm not comfortable to say that.",
    "I'm not comfortable discussing this topic.",
    "I do not condone violence.",
    "I'm afraid I don\u2019t have the ability to provide medical advice.",
    "I do not have the capability to open doors.",
    "That is not something I can do.",
    "I'm unable to give out addresses.",
)
ANSWERS = (
    "",
    "  ",
    "I'm sorry to hear that you feel this way. Rest, and drink water.",
    "Use the kill command with the number of the process.",
    "As an AI language model, I'd be happy to help! Open the door first.",
    "As an AI I don't have a birthday, and here is a poem about yours.",
    "I can't wait to share this recipe with you.",
    "I cannot stress enough how useful a list is.",
    "I can't help but smile. Here is the joke.",
    "I apologize for the delay, here is your letter.",
    "Sorry for the wait! The capital is Paris.",
    "To open the menu, press the key; it is not right-click.",
    "No, that is a myth: bulls do not see red.",
    "No problem. Here are three ways to blow out candles.",
    "You can shoot a photo at night with a tripod.",
    "It is legal in most countries to film in the street.",
    "Sure! First warm the oven.",
    "People who cannot sleep should read.",
    "Sure, here is how. " + "You look it up. " * 20 + "I can't say more.",
)


@pytest.mark.parametrize("answer", REFUSALS)
def test_refusals_are_found(answer: str) -> None:
    assert is_refusal(answer)


@pytest.mark.parametrize("answer", ANSWERS)
def test_answers_are_no_refusals(answer: str) -> None:
    assert not is_refusal(answer)
