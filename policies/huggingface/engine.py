"""A causal language model that continues texts and gives ratings, in batches."""

from collections.abc import Callable, Hashable, Iterator, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from transformers import LogitsProcessorList

from social_sandbox.envs.rules.seeding import generator
from social_sandbox.envs.rules.turns import MIN_RATING, Tokens
from social_sandbox.envs.text.thoughts import opens_thought, part

from ..prompts.prompts import REASON
from ..prompts.sentences import whole_sentences
from .attention import can_share
from .batches import batches, pass_in_tokens
from .prefixes import Level, Read, Row, levels, padded, read
from .sampling import GreedyRecord, SeededSampling
from .shared_model import SharedModel

Result = TypeVar("Result")

_PROMPT_END = 16
"""Number of tokens of a prompt that show whether it ends with the beginning of a thought."""


@dataclass(frozen=True, slots=True)
class Generation:
    """A generated text.

    Attributes:
        text: The text without thoughts, up to its last whole sentence if the limit has cut it off.
        tokens: The number of tokens read and written.
        cut_off: Whether the limit of tokens has ended the text.
        only_thought: Whether there is no text behind a thought.
        ids: The ids of all tokens that the model wrote, with thoughts and the token that ends the
            text.
        logprobs: Log-probability of each of these tokens, see `SeededSampling`; empty unless the
            engine records them.
    """

    text: str
    tokens: Tokens
    cut_off: bool = False
    only_thought: bool = False
    ids: tuple[int, ...] = ()
    logprobs: tuple[float, ...] = ()


@dataclass(frozen=True)
class Engine:
    """A causal language model with the settings by which it generates.

    Attributes:
        shared: The model and its tokenizer.
        temperature: Sampling temperature; 0 means greedy decoding.
        top_k: Number of likeliest tokens to sample from.
        top_p: Probability mass of the likeliest tokens to sample from.
        rating: `expected` value of a rating, or a rating that is drawn at random (`sample`).
        max_batch: The largest number of sequences in a batch.
        max_batch_tokens: The largest number of tokens in a batch, including padding and the tokens
            to be generated.
        logprobs: Whether generations carry log-probabilities.
    """

    shared: SharedModel
    temperature: float
    top_k: int
    top_p: float
    rating: Literal["expected", "sample"]
    max_batch: int
    max_batch_tokens: int
    logprobs: bool = False

    def generate(
        self,
        prompts: Sequence[Row],
        seeds: Sequence[int],
        adapters: Sequence[str | None],
        max_new_tokens: int,
    ) -> list[Generation]:
        """Continue each prompt by up to `max_new_tokens` tokens, with its own seed and adapter."""

        def generate_batch(indices: list[int], rows: list[Row]) -> Iterator[Generation]:
            row_seeds = [seeds[index] for index in indices]
            row_adapters = [adapters[index] for index in indices]
            names = self.shared.adapter_names(row_adapters)
            # Generation starts with the last token, which is therefore not read beforehand.
            plan = self._plan([row[:-1] for row in rows], row_adapters)
            if len(plan) == 1:
                ids, mask = padded(rows, self.shared.pad_id, self.shared.device)
                return self._continue(ids, mask, row_seeds, max_new_tokens, **names)
            prefix = self._read(plan, row_adapters)
            ids, mask = self._append(prefix, [row[-1:] for row in rows])
            return self._continue(ids, mask, row_seeds, max_new_tokens, cache=prefix.cache, **names)

        return self._in_batches(prompts, max_new_tokens, generate_batch)

    def judge(
        self,
        prompts: Sequence[Row],
        seeds: Sequence[int],
        adapters: Sequence[str | None],
        reason_tokens: int,
        rating_scale: int,
    ) -> list[tuple[float, Generation]]:
        """Return a rating and its reason for each prompt that ends with `shared.prefill`.

        The rating follows from the logits of the numbers on the scale in one forward pass. The
        reason of up to `reason_tokens` tokens (0: no reason) continues the key/value cache of this
        pass.
        """
        numbers = self.shared.rating_tokens(rating_scale)
        probe, bridge = numbers.probe, self.shared.token_ids(REASON)
        n_new_tokens = len(probe)
        if reason_tokens:
            n_new_tokens += 1 + len(bridge) + reason_tokens

        def judge_batch(indices: list[int], rows: list[Row]) -> Iterator[tuple[float, Generation]]:
            row_seeds = [seeds[index] for index in indices]
            row_adapters = [adapters[index] for index in indices]
            names = self.shared.adapter_names(row_adapters)
            keep = 1 + len(probe)
            plan = self._plan([[*row, *probe] for row in rows], row_adapters, keep)
            prefix = self._read(plan, row_adapters, keep=keep, cache=bool(reason_tokens))
            shares = numbers.shares(prefix.logits).cpu().numpy()
            ratings = [self._rating(*each) for each in zip(shares, row_seeds, strict=True)]
            if not reason_tokens:
                no_reasons = (Generation("", Tokens(len(row))) for row in rows)
                return zip(ratings, no_reasons, strict=True)
            if probe:
                prefix.cache.crop(-len(probe))
                prefix = replace(
                    prefix, ids=prefix.ids[:, : -len(probe)], mask=prefix.mask[:, : -len(probe)]
                )
            spelled = [[*numbers.ids[round(rating) - MIN_RATING], *bridge] for rating in ratings]
            ids, mask = self._append(prefix, spelled)
            reasons = self._continue(
                ids, mask, row_seeds, reason_tokens, cache=prefix.cache, **names
            )
            return zip(ratings, reasons, strict=True)

        return self._in_batches(prompts, n_new_tokens, judge_batch)

    def _continue(
        self,
        ids: torch.Tensor,
        mask: torch.Tensor,
        seeds: Sequence[int],
        max_new_tokens: int,
        **options: Any,
    ) -> Iterator[Generation]:
        """Yield the continuation of each row of token ids, both tensors (rows, width)."""
        sampling = LogitsProcessorList()
        if self.temperature > 0:
            uniforms = [generator(seed, "tokens").random(max_new_tokens) for seed in seeds]
            sampling.append(
                SeededSampling(
                    uniforms,
                    self.temperature,
                    self.top_k,
                    self.top_p,
                    self.shared.device,
                    self.logprobs,
                )
            )
        elif self.logprobs:
            sampling.append(GreedyRecord())
        output = self.shared.model.generate(
            input_ids=ids,
            attention_mask=mask,
            **options,
            max_new_tokens=max_new_tokens,
            do_sample=False,
            logits_processor=sampling,
            pad_token_id=self.shared.pad_id,
        )
        tokenizer, stop_ids = self.shared.tokenizer, self.shared.stop_ids
        prompt_ends = ids[:, -_PROMPT_END:].tolist()
        logprobs: list[list[float]] = [[] for _ in seeds]
        if self.logprobs:
            logprobs = torch.stack(sampling[0].logprobs, dim=1).tolist()
        for new, end, n_read, row_logprobs in zip(
            output[:, ids.shape[1] :].tolist(),
            prompt_ends,
            mask.sum(-1).tolist(),
            logprobs,
            strict=True,
        ):
            opened = opens_thought(tokenizer.decode(end))
            yield read_generation(tokenizer, stop_ids, new, n_read, opened, row_logprobs)

    def _rating(self, shares: npt.NDArray[np.float64], seed: int) -> float:
        """Return the rating that follows from the probabilities of the numbers."""
        if self.rating == "sample":
            return float(MIN_RATING + generator(seed, "rating").choice(len(shares), p=shares))
        return round(float(shares @ np.arange(MIN_RATING, MIN_RATING + len(shares))), 4)

    def _plan(
        self, rows: Sequence[Row], adapters: Sequence[str | None], keep: int = 1
    ) -> list[Level]:
        """Return the passes that read some prompts; prompts with one adapter share prefixes."""
        kinds: Sequence[Hashable] = adapters
        if not can_share(self.shared.model):
            kinds = range(len(rows))
        return levels(rows, kinds, keep, a_pass=pass_in_tokens(self.shared.device))

    def _read(
        self,
        plan: Sequence[Level],
        adapters: Sequence[str | None],
        keep: int = 1,
        cache: bool = True,
    ) -> Read:
        """Run the passes of a plan, see `prefixes.read`."""

        def names(members: Sequence[int]) -> dict[str, Any]:
            return self.shared.adapter_names([adapters[member] for member in members])

        shared = self.shared
        return read(shared.model, plan, shared.pad_id, keep=keep, cache=cache, by_row=names)

    def _append(self, prefix: Read, rows: Sequence[Row]) -> tuple[torch.Tensor, torch.Tensor]:
        """Return ids and mask with further tokens behind the prompts that have been read."""
        ids, mask = padded(rows, self.shared.pad_id, self.shared.device)
        return torch.cat([prefix.ids, ids], dim=1), torch.cat([prefix.mask, mask], dim=1)

    def _in_batches(
        self,
        rows: Sequence[Row],
        n_new_tokens: int,
        run: Callable[[list[int], list[Row]], Iterator[Result]],
    ) -> list[Result]:
        """Call `run` for batches of prompts, and return its results in the order of the prompts.

        Args:
            rows: The token ids of the prompts.
            n_new_tokens: The largest number of tokens to be generated for each prompt.
            run: Takes the indices and the token ids of a batch, and yields a result for each.
        """
        self.shared.check_room(rows, n_new_tokens)
        # Longest first, and similar prompts side by side.
        order = sorted(range(len(rows)), key=lambda index: (-len(rows[index]), rows[index]))
        results: dict[int, Result] = {}
        for places in batches(
            [len(rows[index]) for index in order],
            n_new_tokens,
            max_rows=self.max_batch,
            max_tokens=self.max_batch_tokens,
            device=self.shared.device,
        ):
            indices = [order[place] for place in places]
            with torch.inference_mode():
                batch = run(indices, [rows[index] for index in indices])
                results |= zip(indices, batch, strict=True)
        return [results[index] for index in range(len(rows))]


def read_generation(
    tokenizer: Any,
    stop_ids: Set[int],
    new: Sequence[int],
    n_read: int,
    opened: bool = False,
    logprobs: Sequence[float] = (),
) -> Generation:
    """Return what a model has written.

    Args:
        tokenizer: The tokenizer of the model.
        stop_ids: The tokens that end a text; what follows the first of them is padding.
        new: The ids of the new tokens.
        n_read: Number of tokens of the prompt.
        opened: Whether the prompt ends with the beginning of a thought.
        logprobs: The log-probability of each new token, or none.
    """
    length = next((at for at, token in enumerate(new) if token in stop_ids), len(new))
    text = tokenizer.decode(new[:length], skip_special_tokens=True)
    # The marks of a thought may be special tokens.
    parted = part(tokenizer.decode(new[:length]), opened=opened)
    if parted.thought:
        text = _without_special_tokens(parted.answer, tokenizer)
    text = text.strip()
    cut_off = length == len(new)
    if cut_off:
        text = whole_sentences(text)
    written = length if cut_off else length + 1
    return Generation(
        text,
        Tokens(n_read, length),
        cut_off,
        parted.thought and not text,
        tuple(new[:written]),
        tuple(logprobs[:written]),
    )


def _without_special_tokens(text: str, tokenizer: Any) -> str:
    for token in tokenizer.all_special_tokens:
        text = text.replace(token, "")
    return text
