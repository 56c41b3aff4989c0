"""A person at the terminal as a policy."""

import sys
from collections.abc import Sequence

from rich.panel import Panel
from rich.text import Text

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.rules.turns import MIN_RATING, RATED_PHASES, Phase, Turn, Utterance
from social_sandbox.envs.text.texts import for_terminal, in_one_line

from ..prompts.frame import quoted
from ..prompts.ratings import read_number
from ..terminal import Terminal

_TASKS = {
    Phase.DRAFT: "What do you answer?",
    Phase.REVISE: "What do you answer now?",
    Phase.FEEDBACK: "How good is this answer for people?",
    Phase.OBSERVE: "Rate the {aspect} of this answer.",
}
_LABELS = {"system": "Instruction", "user": "Before", "assistant": "Answered"}


class HumanPolicy:
    """Shows each turn and reads the answer; an empty rating is recorded as missing."""

    interactive = True
    """A rollout asks an interactive policy for one turn at a time, and shows no progress bar,
    which would overwrite the typed text."""

    def __init__(self, name: str = "human") -> None:
        """Create the policy; `name` is its name in the records."""
        self.name = name
        self._console = Terminal(stderr=True)

    def __reduce__(self) -> tuple[type["HumanPolicy"], tuple[str]]:
        """Make copies and pickles anew, since a console cannot be copied."""
        return type(self), (self.name,)

    def check(self) -> None:
        """Raise UserError if standard input is no terminal."""
        if not sys.stdin.isatty():
            raise UserError("policy human: needs a terminal, and standard input is none")

    def act(self, turns: Sequence[Turn]) -> list[Utterance]:
        """See `Policy.act`. Raise UserError when the input ends."""
        try:
            return [self._ask(turn) for turn in turns]
        except EOFError:
            raise UserError(
                "policy human: the input has ended; the same command resumes the run"
            ) from None

    def _ask(self, turn: Turn) -> Utterance:
        task = _TASKS[turn.phase].format(aspect=turn.aspect)
        self._console.print(
            Panel(
                Text(for_terminal("\n".join(_lines(turn)))),
                title=Text(f"{turn.agent}, round {turn.round + 1}: {task}"),
                title_align="left",
            )
        )
        if turn.phase not in RATED_PHASES:
            return Utterance(self._read("> "))
        return Utterance(rating=self._rating(turn.rating_scale), text=self._read("because: "))

    def _rating(self, highest: int) -> float | None:
        while True:
            text = self._read(f"{MIN_RATING} to {highest}: ")
            if not text:
                return None
            rating = read_number(text)
            if rating is not None and MIN_RATING <= rating <= highest:
                return rating
            self._console.print(f"Type a number from {MIN_RATING} to {highest}, or nothing.")

    def _read(self, prompt: str) -> str:
        return self._console.input(prompt, markup=False).strip()


def _lines(turn: Turn) -> list[str]:
    """Return the parts of a turn that a person has to know."""
    lines = [f"{_LABELS[message.role]}: {quoted(message.content)}" for message in turn.earlier]
    lines.append(f"Question: {quoted(turn.question)}")
    if turn.memory:
        lines.append(f"You remember: {quoted(turn.memory.question)} - {quoted(turn.memory.answer)}")
    if turn.phase is not Phase.DRAFT:
        lines.append(f"Answer: {quoted(turn.answer)}")
    for opinion in turn.opinions:
        rating = "no rating" if opinion.rating is None else f"{opinion.rating:g}"
        lines.append(f"{opinion.peer} ({rating}): {in_one_line(opinion.reason)}")
    return lines
