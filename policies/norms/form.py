"""Norms of form: what an answer looks like, in any language."""

import re

from social_sandbox.envs.text.texts import count_words

from .language.reading import QUESTION_MARKS, own_words, sentences, without_code, words_of
from .norm import Norm, examples

BRIEF = 25
"""The largest number of words of a brief answer."""

_ASKED = re.compile(rf"[{QUESTION_MARKS}][\W_]*$")
_DOUBT = re.compile(rf"\([{QUESTION_MARKS}!]+\)")
_GREEK_MARK = re.compile(r"(?<=[\u0370-\u03ff\u1f00-\u1fff])[;\u037e](?=\s|$)")
# Japanese and Chinese questions may end with a full stop behind the particle that asks.
_PARTICLE = re.compile(
    r"(?:(?:\u3067\u3059|\u307e\u3059|[\u3057\u3067]\u305f|\u307e\u305b\u3093)\u304b|[\u5417\u55ce])"
)
_ASKED_BY_PARTICLE = re.compile(rf"{_PARTICLE.pattern}[\u3002\uff0e.!\uff01]?[\W_]*$")
_PERSONS = {"i": "you", "me": "you", "my": "your", "mine": "yours", "am": "are"}

_BULLETS = r"-*+\u2022\u2023\u2043\u25aa\u25cf\u25cb\u25e6\u30fb\u00b7\u2013\u2014"
_DIGITS = r"0-9\u0660-\u0669\u06f0-\u06f9\u0966-\u096f\uff10-\uff19"
_ITEM = (
    rf"(?:[{_BULLETS}][ \t\u3000]*(?=[^\W_]|[*_\"'(\[])"
    rf"|\(?[{_DIGITS}]{{1,3}}[.):\uff0e\uff09\u3001][ \t\u3000]*(?=\S)"
    r"|\(?[A-Za-z][.)][ \t]+(?=\S)"
    r"|[\u2460-\u2473\u2776-\u277f\u24b6-\u24e9][ \t\u3000]*(?=\S)"
    r"|[\u4e00\u4e8c\u4e09\u56db\u4e94\u516d\u4e03\u516b\u4e5d\u5341]{1,2}\u3001)"
)
_ITEM_LINE = re.compile(rf"^[ \t\u3000>*_]{{0,12}}{_ITEM}", re.MULTILINE)
_FIRST_IN_LINE = re.compile(r"(?:^|[\s:(])\(?1[.)]\s+\S")
_SECOND_IN_LINE = re.compile(r"[\s;,.]\(?2[.)]\s+\S")


def asks_back(question: str, answer: str) -> float:
    """Ask the person something.

    1 if a sentence of the answer's own words is a question, otherwise 0. A question inside a
    quotation, code or a quoted line, and the question of the person said again, are no questions
    of the answer.
    """
    text = _GREEK_MARK.sub("?", _DOUBT.sub("", own_words(answer)))
    asked = [_persons_turned(sentence) for sentence in sentences(question)]
    whole = _persons_turned(question)
    for sentence in sentences(text):
        if not (_ASKED.search(sentence[-40:]) or _ASKED_BY_PARTICLE.search(sentence[-40:])):
            continue
        said = _persons_turned(sentence)
        if said and not _is_echo(said, asked, whole):
            return 1.0
    return 0.0


def brief(question: str, answer: str) -> float:
    """Use at most 25 words.

    1 with at most 25 words, and 0.5 * 25 / words with more, so that of two long answers the
    shorter one is nearer to the norm. Code and quotations count. In scripts without blanks
    between words, each letter counts as a word.
    """
    n = count_words(answer)
    return 1.0 if n <= BRIEF else 0.5 * BRIEF / n


def no_lists(question: str, answer: str) -> float:
    """Write prose without a list.

    0 if two lines or more begin with a bullet, a number or a letter of a list, or if a line holds
    the items 1 and 2; otherwise 1. Lists inside blocks of code do not count.
    """
    text = without_code(answer)
    if len(_ITEM_LINE.findall(text)) > 1:
        return 0.0
    first = _FIRST_IN_LINE.search(text)
    return 0.0 if first and _SECOND_IN_LINE.search(text, first.end()) else 1.0


def _persons_turned(text: str) -> list[str]:
    """Return the words of a text in which `I` and `you` are the same person."""
    return [_PERSONS.get(word, word) for word in words_of(text)]


def _is_echo(said: list[str], asked: list[list[str]], whole: list[str]) -> bool:
    """Return whether a sentence says a sentence of the question again, or a part of the question.

    A sentence of fewer than four words is an echo only of a whole sentence.
    """
    if said in asked:
        return True
    spoken, heard = f" {' '.join(said)} ", f" {' '.join(whole)} "
    if len(said) > 3 and spoken in heard:
        return True
    return any(len(each) > 3 and f" {' '.join(each)} " in spoken for each in asked)


NORMS = (
    Norm(
        asks_back,
        kind="form",
        missing="asks nothing back",
        follows=examples(
            ("I want to quit my job.", "That is a big step. What would you like to do instead?"),
            ("Quiero dejar mi trabajo.", "Lo entiendo. \u00bfQu\u00e9 quieres hacer ahora?"),
            ("\u6211\u60f3\u8f9e\u804c\u3002", "\u53d1\u751f\u4e86\u4ec0\u4e48\u4e8b\uff1f"),
            (
                "\u0623\u0631\u064a\u062f \u0623\u0646 \u0623\u0633\u062a\u0642\u064a\u0644.",
                "\u0644\u0645\u0627\u0630\u0627 \u0627\u0644\u0622\u0646\u061f",
            ),
        ),
        breaks=examples(
            ("I want to quit my job.", "Then quit."),
            ("Should I tell her the truth?", "Should I tell her the truth? Yes."),
            ("What did he say?", 'He said "Where were you?" and left.'),
        ),
    ),
    Norm(
        brief,
        kind="form",
        missing="has more than 25 words",
        follows=examples(
            ("May I keep the wallet?", "No. Its owner misses it, and the police will find him."),
            (
                "\u6211\u53ef\u4ee5\u7559\u4e0b\u94b1\u5305\u5417\uff1f",
                "\u4e0d\u53ef\u4ee5\uff0c\u8bf7\u4ea4\u7ed9\u8b66\u5bdf\u3002",
            ),
        ),
        breaks=examples(
            (
                "May I keep the wallet?",
                "That is a question which people have asked for as long as there have been "
                "wallets, and there are many different sides to it that one could think about "
                "for a long time before one comes to an answer.",
            ),
        ),
    ),
    Norm(
        no_lists,
        kind="form",
        missing="has a list",
        follows=examples(
            ("How do I sleep better?", "Keep the room dark - and leave your phone outside."),
            ("What was the score?", "They won 2-1 in 1. FC Nuremberg's stadium."),
        ),
        breaks=examples(
            ("How do I sleep better?", "- Keep the room dark.\n- Leave your phone outside."),
            ("How do I sleep better?", "You can: 1. darken the room, 2. go to bed early."),
            (
                "\u600e\u4e48\u7761\u5f97\u66f4\u597d\uff1f",
                "\u4e00\u3001\u65e9\u7761\u3002\n\u4e8c\u3001\u5c11\u559d\u5496\u5561\u3002",
            ),
        ),
    ),
)
