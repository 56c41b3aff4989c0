"""Prompts and responses as token ids and labels."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.rules.turns import RATING_SCALE
from social_sandbox.envs.text.messages import Message
from social_sandbox.policies.huggingface.text.chat_template import prompt_ids, reply_ids

IGNORED = -100
"""The label of a position that is not learnt: prompt and padding."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """A prompt with one response as token ids; `labels` has the same length as `input_ids`."""

    input_ids: tuple[int, ...]
    labels: tuple[int, ...]
    truncated: bool
    """Whether prompt or response had to be cut to fit."""

    @property
    def n_response(self) -> int:
        """Tokens that are learnt, the end-of-turn token included."""
        return sum(label != IGNORED for label in self.labels)

    @property
    def n_prompt(self) -> int:
        """Tokens that are not learnt: those of the prompt, which come first."""
        return len(self.labels) - self.n_response


@dataclass(frozen=True, slots=True)
class EncodedGroup:
    """Candidates of one group, and their ratings; None for a candidate without a rating."""

    candidates: tuple[Encoded, ...]
    ratings: tuple[float | None, ...]
    rating_scale: int = RATING_SCALE
    start_nll: float | None = None
    """Nats per token of the best-rated under the model before training; None: not measured."""
    is_filler: bool = False


def encode(
    tokenizer: Any,
    messages: Sequence[Message],
    response: str,
    max_length: int,
    min_prompt: int | None = None,
    ends: bool = True,
) -> Encoded:
    """Return the ids of prompt, response and, if it `ends` there, the end-of-turn token.

    Prompt and response are tokenised apart and joined: the model has to continue exactly those
    prompt ids that it will be given, and no token may straddle the border. The prompt is
    encoded as the policies do it: by the chat template, or without one under `### Role` headings
    behind the BOS, if the tokenizer begins texts with it. A thought that the template opens is
    closed. What prompt and response spell like control tokens is plain text. The end-of-turn token
    is `tokenizer.eos_token`; it is learnt, so that the model stops.

    What is longer than `max_length` tokens loses first the beginning of the prompt (not its BOS),
    down to `min_prompt` tokens (default: a quarter of `max_length`), and then the end of the
    response with its end-of-turn token: a text that was cut off is no example of where to stop.

    A response without a token of its own has no labels: silence is not taught.
    """
    parts = [(response, True)]
    return encode_parts(tokenizer, messages, parts, max_length, min_prompt, ends)


def encode_parts(
    tokenizer: Any,
    messages: Sequence[Message],
    parts: Sequence[tuple[str, bool]],
    max_length: int,
    min_prompt: int | None = None,
    ends: bool = True,
) -> Encoded:
    """Return what `encode` returns, for a response in parts, each with whether it is learnt.

    Each part is tokenised apart. The end-of-turn token belongs to the last one.
    """
    if tokenizer.eos_token_id is None:
        raise UserError("base_model: its tokenizer has no eos_token, so no response could end")
    prompt = prompt_ids(tokenizer, messages, answer="")
    answer: list[int] = []
    labels: list[int] = []
    for text, learnt in parts:
        ids = reply_ids(tokenizer, text)
        answer += ids
        labels += ids if learnt else [IGNORED] * len(ids)
    if answer and ends:
        answer.append(tokenizer.eos_token_id)
        labels.append(tokenizer.eos_token_id if parts[-1][1] else IGNORED)
    least = max_length // 4 if min_prompt is None else min_prompt
    kept = min(len(prompt), max(least, max_length - len(answer)), max_length)
    room = max_length - kept
    truncated = kept < len(prompt) or room < len(answer)
    prompt = last_tokens(prompt, kept, tokenizer.bos_token_id)
    return Encoded((*prompt, *answer[:room]), (*[IGNORED] * kept, *labels[:room]), truncated)


def last_tokens(prompt: Sequence[int], count: int, bos: int | None) -> list[int]:
    """Return the last tokens of a prompt, behind its BOS if the prompt begins with it."""
    kept = list(prompt[len(prompt) - count :])
    if kept and prompt[0] == bos:
        kept[0] = bos
    return kept
