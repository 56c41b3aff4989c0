from typing import Any

import pytest

from social_sandbox.envs import UserError
from social_sandbox.envs.text.messages import Message, Role
from social_sandbox.policies.huggingface.text.chat_template import (
    check_template,
    prompt_ids,
    render_messages,
)
from tests.helpers.tiny import tiny_tokenizer
from tests.helpers.tokenizers import CHATML, byte_level, with_bos

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


NO_SYSTEM_HEARD = (
    "{% for m in messages %}{% if m.role != 'system' %}<{{ m.role }}>{{ m.content }}{% endif %}"
    "{% endfor %}"
)
ALTERNATE = (
    "{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('roles must alternate') }}{% endif %}<{{ m.role }}>{{ m.content }}"
    "{% endfor %}"
)
SYSTEM_LAST = (
    "{% for m in messages if m.role != 'system' %}"
    "{% if loop.last and messages[0].role == 'system' %}{{ messages[0].content }}{% endif %}"
    "<{{ m.role }}>{{ m.content }}{% endfor %}"
)


@pytest.mark.parametrize(
    ("template", "roles", "rendered"),
    [
        (NO_SYSTEM_HEARD, "su", "<user>0\n\n1"),
        (NO_SYSTEM_HEARD, "sau", "<user>0<assistant>1<user>2"),
        (NO_SYSTEM_HEARD, "us", "<user>0<user>1"),
        (ALTERNATE, "uu", "<user>0\n\n1"),
        (ALTERNATE, "suu", "<user>0\n\n1\n\n2"),
        (ALTERNATE, "au", "<user><assistant>0<user>1"),
        (ALTERNATE, "sau", "<user>0<assistant>1<user>2"),
        (ALTERNATE, "uaau", "<user>0<assistant>1\n\n2<user>3"),
        (SYSTEM_LAST, "suau", "<user>0\n\n1<assistant>2<user>3"),
        (ROLES, "suuau", "<system>0<user>1<user>2<assistant>3<user>4"),
    ],
)
def test_a_conversation_is_arranged_for_a_template_that_would_lose_some_of_it(
    tokenizer: Any, template: str, roles: str, rendered: str
) -> None:
    tokenizer.chat_template = template
    names: dict[str, Role] = {"s": "system", "u": "user", "a": "assistant"}
    talk = [Message(names[role], str(number)) for number, role in enumerate(roles)]
    assert render_messages(tokenizer, talk) == rendered


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("{{ raise_exception('not today') }}", "refuses them: not today"),
        ("{{ messages[0].content }}", r"drops message 2 \(assistant\)"),
        (
            "{% for m in messages[:-1] %}{{ m.content }}{% endfor %}",
            r"messages of user: it drops message 1 \(user\)",
        ),
        (
            "{% for m in messages | reverse %}<{{ m.role }}>{{ m.content }}{% endfor %}",
            "puts message 2 before message 1",
        ),
        (ROLES.replace("m.content", "m.content[:2000]"), "cuts a long message short"),
    ],
)
def test_a_template_that_cannot_be_helped_is_named(
    tokenizer: Any, template: str, problem: str
) -> None:
    tokenizer.chat_template = template
    with pytest.raises(UserError, match=f"chat_template: the template of .*{problem}"):
        check_template(tokenizer)


def test_an_answer_does_not_begin_inside_a_thought_that_the_template_opens() -> None:
    tokenizer = byte_level()
    tokenizer.chat_template = CHATML.replace("assistant\n'", "assistant\n<think>\n'")
    free = tokenizer.decode(prompt_ids(tokenizer, TALK))
    rated = tokenizer.decode(prompt_ids(tokenizer, TALK, "Rating:"))
    assert free.endswith("<|im_start|>assistant\n<think>\n")
    assert rated.endswith("<|im_start|>assistant\n<think>\n\n</think>\n\nRating:")


def test_a_prompt_without_a_template_begins_with_bos_once() -> None:
    tokenizer = with_bos()
    bos = tokenizer.bos_token_id
    assert prompt_ids(tokenizer, TALK).count(bos) == 1
    assert prompt_ids(tokenizer, TALK)[0] == bos
    tokenizer.chat_template = "{{ bos_token }}" + ROLES
    assert prompt_ids(tokenizer, TALK).count(bos) == 1
    tokenizer.chat_template = ROLES
    assert bos not in prompt_ids(tokenizer, TALK)
    assert byte_level().bos_token_id not in prompt_ids(byte_level(), TALK)
