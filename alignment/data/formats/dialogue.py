"""Dialogues in the form of HH-RLHF: one text, with a mark before whoever speaks."""

from collections.abc import Sequence

from social_sandbox.envs.messages import Conversation, Message, Role

HUMAN, ASSISTANT = "\n\nHuman:", "\n\nAssistant:"
_ROLES: tuple[tuple[str, Role], ...] = ((HUMAN, "user"), (ASSISTANT, "assistant"))


def last_reply(dialogue: str) -> tuple[str, str]:
    """What comes before the last mark of the assistant, and what the assistant says there."""
    before, _, reply = dialogue.rpartition(ASSISTANT)
    return before, reply.strip()


def human_turns(dialogue: str) -> list[str]:
    """What the human said, turn by turn; a text without marks is one turn."""
    turns = [part.split(ASSISTANT)[0].strip() for part in dialogue.split(HUMAN)[1:]]
    return turns or [dialogue.split(ASSISTANT)[0].strip()]


def messages(dialogue: str) -> Conversation:
    """The turns that are not blank; a mark at the end, after which a reply is due, opens none.

    A text without marks is the user's. Turns of one speaker in a row are one message: many chat
    templates refuse two.
    """
    found: list[Message] = []
    rest, role = dialogue, "user"
    while rest:
        starts = [(rest.find(mark), mark, who) for mark, who in _ROLES if mark in rest]
        at, mark, after = min(starts) if starts else (len(rest), "", role)
        said = rest[:at].strip()
        if said and found and found[-1].role == role:
            found[-1] = Message(found[-1].role, f"{found[-1].content}\n\n{said}")
        elif said:
            found.append(Message(role, said))  # type: ignore[arg-type]
        rest, role = rest[at + len(mark) :], after
    return tuple(found)


def last_question(dialogue: str) -> tuple[str, Conversation]:
    """What the human said last, and the messages before it.

    What the assistant says before the human's first word, or after the last, belongs to neither.
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
    """A conversation as such a text, up to where the assistant speaks next.

    The form has no mark for a system message: it is said at the head of the human's next turn.
    """
    text, before = "", ""
    for message in prompt:
        if message.role == "system":
            before += f"{message.content}\n\n"
            continue
        text += f"{HUMAN if message.role == 'user' else ASSISTANT} {before}{message.content}"
        before = ""
    return text + ASSISTANT
