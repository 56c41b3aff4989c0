from typing import Any

import pytest

from social_sandbox.envs.messages import Message
from social_sandbox.policies.huggingface.chat_template import render_messages
from tests.helpers.tiny import tiny_tokenizer

TALK = [Message("system", "Be kind."), Message("user", "May I?")]
ROLES = "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}"
NO_SYSTEM = "{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}{% endif %}"


@pytest.fixture
def tokenizer() -> Any:
    return tiny_tokenizer()


def test_a_tokenizer_without_a_template_gets_headings(tokenizer: Any) -> None:
    tokenizer.chat_template = None
    text = render_messages(tokenizer, TALK)
    assert text == "### System\nBe kind.\n\n### User\nMay I?\n\n### Assistant\n"


def test_a_template_of_the_model_is_used(tokenizer: Any) -> None:
    tokenizer.chat_template = ROLES
    assert render_messages(tokenizer, TALK) == "<system>Be kind.<user>May I?"


def test_without_a_system_role_the_system_message_precedes_the_question(
    tokenizer: Any,
) -> None:
    tokenizer.chat_template = NO_SYSTEM + ROLES
    assert render_messages(tokenizer, TALK) == "<user>Be kind.\n\nMay I?"
    assert render_messages(tokenizer, TALK[1:]) == "<user>May I?"
