"""Dialogues in the format of HH-RLHF: one text with a mark before each turn."""

import re
from collections.abc import Sequence

from social_sandbox.envs.text.messages import Conversation, Message, Role

HUMAN, ASSISTANT = "\n\nHuman:", "\n\nAssistant:"
_ROLES: tuple[tuple[str, Role], ...] = ((HUMAN, "user"), (ASSISTANT, "assistant"))

_RUN_ON = re.compile(r"\n\s*(?:(?:Human|Assistant):|#{2,3} ?(?:Instruction|Input|Response):)")


def without_run_on(reply: str) -> str:
    """Return a reply up to the place where it goes on with a turn of somebody else.

    A model that was not stopped at its end writes the next mark of a dialogue or of an Alpaca
    frame, and speaks for the human.
    """
    found = _RUN_ON.search(f"\n{reply}")
    return reply if found is None else reply[: max(found.start() - 1, 0)].rstrip()


def last_reply(dialogue: str) -> tuple[str, str]:
    """Return the text before the assistant's last mark, and the reply behind that mark."""
    before, _, reply = dialogue.rpartition(ASSISTANT)
    return before, reply.strip()


def human_turns(dialogue: str) -> list[str]:
    """Return the human's turns; a text without marks is one turn."""
    turns = [part.split(ASSISTANT)[0].strip() for part in dialogue.split(HUMAN)[1:]]
    return turns or [dialogue.split(ASSISTANT)[0].strip()]


def messages(dialogue: str) -> Conversation:
    """Return the turns of a dialogue that are not blank.

    A text without marks is the user's. Consecutive turns of one speaker become one message, as many
    chat templates refuse two.
    """
    turns: list[Message] = []
    rest, role = dialogue, "user"
    while rest:
        starts = [(rest.find(mark), mark, who) for mark, who in _ROLES if mark in rest]
        at, mark, after = min(starts) if starts else (len(rest), "", role)
        text = rest[:at].strip()
        if text and turns and turns[-1].role == role:
            turns[-1] = Message(turns[-1].role, f"{turns[-1].content}\n\n{text}")
        elif text:
            turns.append(Message(role, text))  # type: ignore[arg-type]
        rest, role = rest[at + len(mark) :], after
    return tuple(turns)


def last_question(dialogue: str) -> tuple[str, Conversation]:
    """Return the human's last turn, and the messages before it.

    Turns of the assistant before the human's first turn, or after the last one, are left out.
    """
    turns = messages(dialogue)
    if turns and turns[0].role == "assistant":
        turns = turns[1:]
    if turns and turns[-1].role == "assistant":
        turns = turns[:-1]
    if not turns:
        return "", ()
    return turns[-1].content, turns[:-1]


def as_dialogue(prompt: Sequence[Message]) -> str:
    """Return a conversation as a dialogue, up to the place where the assistant speaks next.

    The format has no mark for a system message, which goes to the head of the human's next turn.
    """
    text, before = "", ""
    for message in prompt:
        if message.role == "system":
            before += f"{message.content}\n\n"
            continue
        text += f"{HUMAN if message.role == 'user' else ASSISTANT} {before}{message.content}"
        before = ""
    return text + ASSISTANT
