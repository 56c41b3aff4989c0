"""The thoughts of a reasoning model, parted from its answer.

Models that think aloud write their thoughts into the reply, between marks that differ from model to
model: `<think>` (DeepSeek, Qwen), `[THINK]` (Magistral), the channels of gpt-oss, and others. A
thought is never an answer: it is not read, rated, remembered or trained on.

A text that only speaks of such marks keeps them: in code, in quotation marks, as "the <think> tag".
"""

import json
import re
from dataclasses import dataclass

ONLY_THOUGHT = "the reply is only thought"
"""The error of a reply without an answer behind the thought."""

_TAGS = r"(?:seed:|ant)?(?:think(?:ing)?|thoughts?|reasoning|reflection|scratchpad)"
_OPEN = re.compile(
    rf"<\s*{_TAGS}(?:\s[^<>\n]*)?>|\[\s*think\s*\]|\u25c1\s*think\s*\u25b7|<\|start_thinking\|>"
    r"|<\|begin_of_thought\|>|<\|inner_prefix\|>|<\|channel>thought\b",
    re.IGNORECASE,
)
_CLOSE = re.compile(
    rf"<\s*/\s*{_TAGS}\s*>|\[\s*/\s*think\s*\]|\u25c1\s*/\s*think\s*\u25b7|<\|end_thinking\|>"
    r"|<\|end_of_thought\|>|<\|inner_suffix\|>|<channel\|>",
    re.IGNORECASE,
)
_HINTS = (
    *("think", "thought", "reasoning", "reflection", "scratchpad"),
    *("inner_", "<|channel", "assistantfinal"),
)
"""One of these is in each text with a thought, in small letters; they are quick to look for."""

_CODE = re.compile(r"(`{3,}|~{3,}).*?\1|`[^`\n]+`", re.DOTALL)
_OPENING_QUOTES, _CLOSING_QUOTES = "\"'`\u2018\u201c\u00ab\u300c", "\"'`\u2019\u201d\u00bb\u300d"
_NAMED_BEFORE = re.compile(r"\b(?:the|an?|this|that|each|every|no)[ ]$", re.IGNORECASE)
_NAMED_AFTER = re.compile(
    r"[ -](?:tag|token|block|marker|element|section|delimiter|mark)s?\b", re.IGNORECASE
)
_BEHIND_WORD, _BEFORE_WORD = re.compile(r"\w,?[ ]$"), re.compile(r"[ ][a-z]|[,;.]")

_CHANNEL = re.compile(
    r"(?:<\|start\|>\s*assistant\s*)?<\|channel\|>\s*(?P<name>\w+)[^<]*"
    r"(?:<\|constrain\|>[^<]*)?<\|message\|>"
)
_CHANNEL_END = re.compile(r"<\|(?:end|return|call)\|>")
# Without its special tokens, a reply of gpt-oss reads "analysis...assistantfinal...".
_BARE_CHANNELS = re.compile(r"\s*analysis(?=[^a-z]).*assistantfinal", re.DOTALL)
_LABELLED = re.compile(
    r"\s*here(?:'s| is) my thought process:.*?here(?:'s| is) my response:",
    re.DOTALL | re.IGNORECASE,
)
_WRAPPED = re.compile(
    r"<\|?(?P<tag>answer|output|response|final|start_response|begin_of_solution)\|?>(?P<answer>.*?)"
    r"(?:<(?:/(?P=tag)|\|end_response\||\|end_of_solution\|)>)?\s*",
    re.DOTALL | re.IGNORECASE,
)
"""An answer between marks of its own, as some models write behind a thought."""


@dataclass(frozen=True, slots=True)
class Parted:
    """A reply without its thoughts.

    Attributes:
        answer: The answer. It is the whole reply, unchanged, where nothing was thought.
        spans: Where the parts of the answer begin and end in the reply.
        thought: Whether there was a thought.
    """

    answer: str
    spans: tuple[tuple[int, int], ...]
    thought: bool

    @property
    def only_thought(self) -> bool:
        """Whether there is no answer behind the thought."""
        return self.thought and not self.answer


def part(reply: str, *, opened: bool = False) -> Parted:
    """Part a reply into its answer and its thoughts.

    A thought that never ends (a limit has cut it off) goes to the end of the reply. Where a thought
    ends that has not begun, all of the reply before is thought: it began in the prompt.

    Args:
        reply: Reply of a model.
        opened: Whether the prompt is known to have begun a thought, see `opens_thought`.
    """
    whole = ((0, len(reply)),)
    if not reply:
        return Parted(reply, whole, False)
    if not opened:
        folded = reply.casefold()
        for hint in _HINTS:
            if hint in folded:
                break
        else:
            return Parted(reply, whole, False)
    spans = _channel_spans(reply)
    if spans is None and not opened and _is_json(reply):
        # A rater may quote a mark in the reason of its rating.
        return Parted(reply, whole, False)
    if spans is None:
        spans = _spans(reply, opened)
        if spans == list(whole) or not reply.strip():
            return Parted(reply, whole, False)
    answer = ""
    for start, end in spans:
        piece = reply[start:end]
        gap = "\n\n" if "\n" in answer[len(answer.rstrip()) :] + _leading_space(piece) else " "
        answer = f"{answer.rstrip()}{gap}{piece.lstrip()}" if answer.strip() else piece
    answer = answer.strip()
    if wrapped := _WRAPPED.fullmatch(answer):
        answer = wrapped["answer"].strip()
    # What remains may hold marks of another kind, as nobody writes by chance.
    return Parted(without_thoughts(answer), tuple(spans), True)


def without_thoughts(reply: str) -> str:
    """Return the answer of a reply, see `part`; empty where the reply is only thought."""
    return part(reply).answer


def opens_thought(prompt: str) -> bool:
    """Return whether the reply to a prompt begins inside a thought.

    Chat templates of reasoning models may end the prompt with `<think>`.
    """
    return _open_mark(prompt) is not None


def closed(prompt: str) -> str:
    """Return a prompt behind which the answer begins, and no thought.

    A thought that the prompt has begun is ended empty; to gpt-oss the channel of answers is named.
    """
    mark = _open_mark(prompt)
    if mark is None:
        return f"{prompt}<|channel|>final<|message|>" if prompt.endswith(_HARMONY) else prompt
    return f"{prompt.rstrip()}\n\n{_closing(mark)}\n\n"


_HARMONY = "<|start|>assistant"


def _open_mark(prompt: str) -> str | None:
    """Return the mark with which a prompt ends, if a thought begins with it."""
    tail = prompt.rstrip()[-100:]
    return next((m[0] for m in _OPEN.finditer(tail) if m.end() == len(tail)), None)


def _closing(mark: str) -> str:
    """Return the mark that ends a thought with this mark at its beginning."""
    if mark.startswith("<|"):
        for begin, end in (
            ("START_", "END_"),
            ("begin_of", "end_of"),
            ("prefix", "suffix"),
            ("<|channel>thought", "<channel|>"),
        ):
            if begin in mark:
                return mark.replace(begin, end)
    name = mark.strip("<>[]\u25c1\u25b7").split()[0]
    return f"{mark[0]}/{name}{mark[-1]}"


def _channel_spans(reply: str) -> list[tuple[int, int]] | None:
    """Return where the answer is in a reply with named parts, or None for another reply."""
    headers = list(_CHANNEL.finditer(reply))
    if headers:
        starts = [*(header.start() for header in headers[1:]), len(reply)]
        spans = []
        for header, next_start in zip(headers, starts, strict=True):
            if header["name"].lower() == "final":
                end = _CHANNEL_END.search(reply, header.end(), next_start)
                spans.append((header.end(), end.start() if end else next_start))
        return spans
    for pattern in (_BARE_CHANNELS, _LABELLED):
        if match := pattern.match(reply):
            return [(match.end(), len(reply))]
    return None


def _spans(reply: str, inside: bool) -> list[tuple[int, int]]:
    """Return where the answer is in a reply whose thoughts stand between marks.

    Args:
        reply: The reply.
        inside: Whether the reply begins inside a thought.
    """
    marks = sorted((*_OPEN.finditer(reply), *_CLOSE.finditer(reply)), key=lambda m: m.start())
    opens = [_OPEN.fullmatch(mark[0]) is not None for mark in marks]
    last_close = max((at for at, opening in enumerate(opens) if not opening), default=-1)
    spans: list[tuple[int, int]] = []
    start = ended = nested = 0
    # Code begins behind the last thought: the marks of code in a thought need not be pairs.
    code = _CODE.search(reply)
    for at, mark in enumerate(marks):
        if mark.start() < start:
            continue
        if inside:
            if opens[at]:
                nested += 1
            elif at == last_close or not _is_mention(reply, mark):
                start, inside, ended = mark.end(), False, ended + 1
            continue
        if code and code.start() < start:
            code = _CODE.search(reply, start)
        while code and code.end() <= mark.start():
            code = _CODE.search(reply, code.end())
        in_code = code and code.start() < mark.start() and mark.end() < code.end()
        # A thought that ends may begin in the middle of a sentence.
        in_sentence = not (opens[at] and at < last_close) and _is_in_sentence(reply, mark)
        if in_code or in_sentence or _is_mention(reply, mark):
            continue
        if opens[at]:
            spans.append((start, mark.start()))
            inside = True
        elif ended and not nested and at == len(marks) - 1 and not reply[mark.end() :].strip():
            # Behind a whole thought and its answer some models write the mark once more.
            spans.append((start, mark.start()))
            inside = True
        else:
            spans.clear()
            nested, ended = max(nested - 1, 0), ended + 1
        start = mark.end()
    if not inside:
        spans.append((start, len(reply)))
    return [(a, b) for a, b in spans if reply[a:b].strip()]


def _is_in_sentence(reply: str, mark: re.Match[str]) -> bool:
    before = reply[max(mark.start() - 3, 0) : mark.start()]
    return bool(_BEHIND_WORD.search(before) and _BEFORE_WORD.match(reply, mark.end()))


def _is_mention(reply: str, mark: re.Match[str]) -> bool:
    """Return whether a text speaks of a mark, and neither begins nor ends a thought with it."""
    before = reply[max(mark.start() - 12, 0) : mark.start()]
    after = reply[mark.end() : mark.end() + 16]
    quoted = before[-1:] in tuple(_OPENING_QUOTES) and after[:1] in tuple(_CLOSING_QUOTES)
    return quoted or bool(_NAMED_BEFORE.search(before) or _NAMED_AFTER.match(after))


def _is_json(reply: str) -> bool:
    if not reply.lstrip().startswith(("{", "[{")):
        return False
    try:
        json.loads(reply)
    except ValueError:
        return False
    return True


def _leading_space(text: str) -> str:
    return text[: len(text) - len(text.lstrip())]
