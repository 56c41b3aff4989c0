"""The policy of a learner, which keeps every token that it reads and writes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.rules.turns import Phase, Tokens, Turn, Utterance

from ..huggingface.engine import Generation, read_generation
from ..huggingface.text.chat_template import prompt_ids
from ..prompts.prompts import prompt_for
from ..prompts.ratings import parse_verdict
from .trajectory import Span

Generate = Callable[[Sequence[Sequence[int]], Sequence[int]], Sequence[Any]]
"""Continues rows of token ids, each with a seed of its own. A continuation is a pair of token ids
and of log-probabilities, up to the token that ends the text, or an object with such `ids` and
`logprobs`, as `huggingface.Generation` is."""


@dataclass
class Row:
    """The row of one Back-Scatter as far as it has been written; see `Trajectory`."""

    ids: list[int] = field(default_factory=list)
    mask: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)

    def read(self, ids: Sequence[int]) -> None:
        """Append what others said."""
        self.ids += ids
        self.mask += [0] * len(ids)
        self.logprobs += [0.0] * len(ids)

    def write(self, phase: Phase, said: Generation) -> None:
        """Append what the learner said."""
        start = len(self.ids)
        self.ids += said.ids
        self.mask += [1] * len(said.ids)
        self.logprobs += said.logprobs
        self.spans.append(Span(phase, start, len(self.ids), said.text, said.cut_off))


class Learner:
    """Answers turns by a function over token ids, and keeps one row for each world.

    A turn's prompt is that of every policy (`prompts.prompt_for`), put behind what the row holds
    so far. A text that the limit has cut off gets the token that ends a turn, without a mask.

    Attributes:
        name: Name in the records.
        rows: The rows, by the names of worlds.
    """

    def __init__(self, generate: Generate, tokenizer: Any = None, name: str = "learner") -> None:
        """Create the policy.

        Args:
            generate: Writes the answers.
            tokenizer: A tokenizer with a chat template; default: `generate.tokenizer`.
            name: Name in the records.

        Raises:
            UserError: There is no tokenizer.
        """
        self.name = str(getattr(generate, "name", name))
        own: Any = getattr(generate, "tokenizer", None)
        self.tokenizer = own if tokenizer is None else tokenizer
        if self.tokenizer is None:
            raise UserError(
                "play_group: needs a tokenizer, as an argument or as generate.tokenizer"
            )
        self._generate = generate
        self.rows: dict[str, Row] = {}

    def act(self, turns: Sequence[Turn]) -> list[Utterance]:
        """See `Policy.act`.

        Raises:
            UserError: `generate` does not return token ids and log-probabilities for each row.
        """
        for turn in turns:
            prompt = prompt_for(turn)
            row = self.rows.setdefault(turn.world, Row())
            if row.spans and row.spans[-1].cut_off and self.tokenizer.eos_token_id is not None:
                row.read([self.tokenizer.eos_token_id])
            row.read(prompt_ids(self.tokenizer, prompt.messages, prompt.prefill or None))
        rows = [list(self.rows[turn.world].ids) for turn in turns]
        said = self._generate(rows, [turn.seed for turn in turns])
        if len(said) != len(turns):
            raise UserError(f"generate: {len(turns)} rows need as many texts, got {len(said)}")
        return [
            self._utterance(turn, self._read(one, len(row)))
            for turn, row, one in zip(turns, rows, said, strict=True)
        ]

    def _utterance(self, turn: Turn, said: Generation) -> Utterance:
        """Return an answer, which is written into its row."""
        self.rows[turn.world].write(turn.phase, said)
        answer = Utterance(said.text, policy=self.name, tokens=said.tokens, cut_off=said.cut_off)
        if turn.phase is not Phase.FEEDBACK:
            return answer
        verdict = parse_verdict(f"{prompt_for(turn).prefill}{said.text}", turn.rating_scale)
        return replace(answer, text=verdict.reason, rating=verdict.rating)

    def _read(self, said: Any, n_read: int) -> Generation:
        """Return a continuation as a generation."""
        try:
            given = (said.ids, said.logprobs) if hasattr(said, "ids") else said
            ids, logprobs = [int(one) for one in given[0]], [float(one) for one in given[1]]
        except (TypeError, ValueError, IndexError):
            raise UserError(
                "generate: a continuation is a pair of token ids and log-probabilities, got "
                f"{said!r:.80}"
            ) from None
        if not ids or len(ids) != len(logprobs):
            raise UserError(
                f"generate: {len(ids)} token ids with {len(logprobs)} log-probabilities; each "
                "continuation needs one token at least, and as many log-probabilities"
            )
        if isinstance(said, Generation):
            return replace(said, tokens=Tokens(n_read, said.tokens.completion))
        stops = {self.tokenizer.eos_token_id} - {None}
        return read_generation(self.tokenizer, stops, ids, n_read, logprobs=logprobs)
