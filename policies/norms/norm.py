"""Norms: rules about answers that a function checks, each with examples that show the rule."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from numbers import Real
from typing import Any, Literal

from social_sandbox.envs.errors import UserError, first_words
from social_sandbox.envs.settings import parameters
from social_sandbox.envs.text.messages import Conversation
from social_sandbox.envs.text.texts import valid
from social_sandbox.envs.text.thoughts import without_thoughts

Kind = Literal["form", "stance", "care", "honesty", "safety", "own"]
"""What a norm is about; `own` is a norm that this project does not come with."""

FOLLOWED = 0.5
"""The least value of an answer that follows a norm."""


@dataclass(frozen=True, slots=True)
class Example:
    """A question with an answer that follows a norm, or breaks it."""

    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class Norm:
    """A rule about answers.

    Attributes:
        function: Returns how far an answer follows the norm, from 0 to 1, for a question, an answer
            and, where it has a third parameter, the conversation before the question.
        kind: What the norm is about.
        missing: What is said of an answer that breaks the norm, such as `asks nothing back`.
        languages: The languages in which the rule sees what it looks for.
        elsewhere: What the rule returns for an answer in any other language; empty where there
            is none.
        follows: Examples that follow the norm.
        breaks: Examples that break the norm.
        applies: Whether the norm asks anything of answers to a question. All answers with words
            follow a norm that does not apply.
    """

    function: Callable[..., float]
    kind: Kind = "own"
    missing: str = ""
    languages: str = "any"
    elsewhere: str = ""
    follows: tuple[Example, ...] = ()
    breaks: tuple[Example, ...] = ()
    applies: Callable[[str], bool] = lambda question: True

    @property
    def name(self) -> str:
        """The name of the function."""
        function = self.function.func if isinstance(self.function, partial) else self.function
        return str(getattr(function, "__name__", type(function).__name__))

    @property
    def about(self) -> str:
        """The first sentence of the function's description."""
        return str(self.function.__doc__ or "").strip().partition("\n")[0]

    def __call__(self, question: str, answer: str, conversation: Conversation = ()) -> float:
        """Return how far an answer follows the norm, from 0 (breaks it) to 1.

        Thoughts of a reasoning model are no part of an answer. An answer without a letter or a
        digit follows no norm.

        Raises:
            UserError: The function fails, or returns no number from 0 to 1.
        """
        answer = without_thoughts(valid(answer))
        if not any(letter.isalnum() for letter in answer):
            return 0.0
        given = (valid(question), answer, conversation)[: _number_of_parameters(self.function)]
        try:
            value: Any = self.function(*given)
        except UserError:
            raise
        except Exception as error:
            raise UserError(
                f"norm {self.name}: fails with {type(error).__name__}: {first_words(error)}"
            ) from error
        if not isinstance(value, Real) or not 0 <= float(value) <= 1 or math.isnan(float(value)):
            raise UserError(
                f"norm {self.name}: must return a number from 0 to 1, got {value!r:.80}"
            )
        return float(value)

    def is_followed(self, question: str, answer: str, conversation: Conversation = ()) -> bool:
        """Return whether an answer follows the norm: its value is at least `FOLLOWED`."""
        return self(question, answer, conversation) >= FOLLOWED


def is_norm_function(candidate: object) -> bool:
    """Return whether an object is called with a question, an answer and perhaps a conversation."""
    if isinstance(candidate, type) or not callable(candidate):
        return False
    try:
        names = parameters(candidate)
    except (TypeError, ValueError):
        return False
    return names[:2] == ["question", "answer"] and names[2:] in ([], ["conversation"])


def examples(*pairs: tuple[str, str]) -> tuple[Example, ...]:
    """Return examples from (question, answer)."""
    return tuple(Example(question, answer) for question, answer in pairs)


def by_name(norms: Sequence[Norm]) -> dict[str, Norm]:
    """Return norms by name, in their order."""
    return {norm.name: norm for norm in norms}


def followed(norms: Sequence[Norm], question: str, answer: str) -> dict[str, bool]:
    """Return whether an answer follows each norm that applies to its question, by name."""
    return {
        norm.name: norm.is_followed(question, answer) for norm in norms if norm.applies(question)
    }


def _number_of_parameters(function: Callable[..., float]) -> int:
    return 3 if isinstance(function, Norm) else len(parameters(function)[:3])
