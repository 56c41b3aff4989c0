"""Any causal language model of transformers as a policy."""

from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from pydantic import validate_call
from transformers import LogitsProcessorList

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.seeding import generator
from social_sandbox.envs.turns import (
    MIN_RATING,
    RATED_PHASES,
    RATING_SCALE,
    Tokens,
    Turn,
    Utterance,
)

from ..prompts.prompts import REASON, Prompt, prompt_for
from ..prompts.sentences import whole_sentences
from .attention import can_share
from .batches import batches, pass_in_tokens
from .chat_template import render_messages
from .prefixes import Level, Read, Row, levels, padded, read
from .rating_tokens import RatingTokens, rating_tokens
from .sampling import SeededSampling
from .shared_model import check_adapter, find, shared_model
from .smollm2 import SMOLLM2, model_name

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Generation:
    """A generated text, how many tokens went in and came out, and whether the limit ended it."""

    text: str
    tokens: Tokens
    cut_off: bool = False


class HuggingFacePolicy:
    """Answers turns with a causal language model, in batches.

    Drafts, revisions and reasons are generated; a rating is read from the logits of the numbers
    after "Rating:" in one forward pass. What prompts share at their beginning is read once.
    Sampling is seeded by the turn, so that what is said does not depend on the batch around it,
    as far as floating point allows.
    """

    @validate_call
    def __init__(
        self,
        model: str = SMOLLM2,
        *,
        adapter: str | None = None,
        name: str | None = None,
        temperature: float = 0.7,
        top_k: int = 50,
        top_p: float = 0.95,
        max_new_tokens: int = 64,
        reason_tokens: int = 24,
        reasons: Sequence[str] = ("feedback",),
        rating: Literal["expected", "sample"] = "expected",
        max_batch: int = 64,
        max_batch_tokens: int = 16384,
        device: str | None = None,
        dtype: str | None = None,
    ) -> None:
        """Loads nothing yet: the model is loaded on first use.

        Args:
            model: path, hub id, or `smollm2` for the embedded model.
            adapter: path or hub id of a LoRA adapter of it. Policies with the same model share
                its weights, whatever their adapters, and in a rollout their batches too.
            name: stands in the records; default: the last part of `adapter` or `model`.
            temperature: 0 decodes greedily.
            top_k: sample among so many likeliest tokens.
            top_p: and among those that hold this share of the probability.
            max_new_tokens: of a draft or a revision.
            reason_tokens: of the reason of a rating.
            reasons: phases (`feedback`, `observe`) in which a rating comes with a reason.
            rating: `expected` value over the numbers, or one drawn from them.
            max_batch: at most so many sequences at once.
            max_batch_tokens: at most so many tokens, padding and new ones included.
            device: default: a GPU where there is one.
            dtype: of the weights; default: bfloat16 where the device computes in it.
        """
        if temperature < 0 or not 0 < top_p <= 1 or top_k < 1:
            raise UserError("policy: needs temperature >= 0, 0 < top_p <= 1 and top_k >= 1")
        if min(max_new_tokens, reason_tokens, max_batch, max_batch_tokens) < 1:
            raise UserError("policy: token and batch limits must be at least 1")
        if rating not in ("expected", "sample"):
            raise UserError(f"policy.rating must be expected or sample, got {rating!r}")
        unknown = set(reasons) - {phase.value for phase in RATED_PHASES}
        if unknown:
            raise UserError(f"policy.reasons: no rated phase {', '.join(sorted(unknown))}")
        model = model_name(model)
        find(model)
        check_adapter(adapter)
        self.model_id, self.adapter = model, adapter
        self.name = name or Path(adapter or model).name
        self.temperature, self.top_k, self.top_p = temperature, top_k, top_p
        self.max_new_tokens, self.reason_tokens = max_new_tokens, reason_tokens
        self.reasons, self.rating = frozenset(reasons), rating
        self.max_batch, self.max_batch_tokens = max_batch, max_batch_tokens
        self.device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self.dtype = getattr(torch, dtype) if dtype else best_dtype(self.device)
        self._shared = shared_model(model, self.device, self.dtype)
        self._tokens: dict[int, RatingTokens] = {}

    @property
    def model(self) -> Any:
        """The model, loaded on first use."""
        return self._shared.model

    def as_it_speaks(self) -> AbstractContextManager[Any]:
        """The model with this policy's adapter on, for whoever calls it as it is."""
        return self._shared.with_adapter(self.adapter)

    @property
    def tokenizer(self) -> Any:
        """The tokenizer, padding on the left."""
        return self._shared.tokenizer

    @cached_property
    def together(self) -> Hashable:
        """Equal for policies that differ in adapter and name only: see `act_together`."""
        own = {"name", "adapter", "_stop_tokens", "_tokens"}
        rest = {name: value for name, value in vars(self).items() if name not in own}
        return f"{type(self)} {rest}"

    def act(self, turns: Sequence[Turn]) -> list[Utterance]:
        """See `Policy.act`."""
        return self.act_together(turns, [self] * len(turns))

    def act_together(
        self, turns: Sequence[Turn], players: Sequence["HuggingFacePolicy"]
    ) -> list[Utterance]:
        """Answer turns of several policies that are `together` with this one, in its batches."""
        adapters = [player.adapter for player in players]
        said: dict[int, Utterance] = {}
        free = [i for i, turn in enumerate(turns) if turn.phase not in RATED_PHASES]
        prompts = [prompt_for(turn) for turn in turns]
        seeds = [turn.seed for turn in turns]
        texts = self.generate(
            [prompts[i] for i in free],
            [seeds[i] for i in free],
            self.max_new_tokens,
            [adapters[i] for i in free],
        )
        said |= {
            i: Utterance(g.text, tokens=g.tokens, cut_off=g.cut_off)
            for i, g in zip(free, texts, strict=True)
        }
        rated = [i for i, turn in enumerate(turns) if turn.phase in RATED_PHASES]
        wants = {
            i: (turns[i].reason and turns[i].phase.value in self.reasons, turns[i].rating_scale)
            for i in rated
        }
        for reasons, rating_scale in dict.fromkeys(wants.values()):
            asked = [i for i in rated if wants[i] == (reasons, rating_scale)]
            verdicts = self.judge(
                [prompts[i] for i in asked],
                [seeds[i] for i in asked],
                [adapters[i] for i in asked],
                reasons=reasons,
                rating_scale=rating_scale,
            )
            said |= {
                i: Utterance(reason.text, rating, tokens=reason.tokens, cut_off=reason.cut_off)
                for i, (rating, reason) in zip(asked, verdicts, strict=True)
            }
        return [replace(said[i], policy=player.name) for i, player in enumerate(players)]

    def generate(
        self,
        prompts: Sequence[Prompt],
        seeds: Sequence[int],
        max_new_tokens: int,
        adapters: Sequence[str | None] | None = None,
    ) -> list[Generation]:
        """Continue each prompt; a text cut off by the limit ends with its last whole sentence.

        `adapters`: of each prompt; default: this policy's own.
        """
        texts = [self.render(prompt) for prompt in prompts]
        by = [self.adapter] * len(texts) if adapters is None else adapters

        def run(rows: list[int], ids: list[Row]) -> Iterator[Generation]:
            own, adapted = [seeds[row] for row in rows], [by[row] for row in rows]
            names = self._shared.adapter_names(adapted)
            # The last token is left to what generates behind it.
            plan = self._plan([row[:-1] for row in ids], adapted)
            if len(plan) == 1:
                whole = padded(ids, self._pad, self.device)
                return self._continue(*whole, own, max_new_tokens, **names)
            begun = read(self.model, plan, self._pad, by_row=self._names_of(adapted))
            whole = self._longer(begun, [row[-1:] for row in ids])
            return self._continue(*whole, own, max_new_tokens, cache=begun.cache, **names)

        return self._batched(texts, max_new_tokens, run)

    def judge(
        self,
        prompts: Sequence[Prompt],
        seeds: Sequence[int],
        adapters: Sequence[str | None] | None = None,
        *,
        reasons: bool,
        rating_scale: int = RATING_SCALE,
    ) -> list[tuple[float, Generation]]:
        """A rating a prompt, from the logits of the numbers on the scale, and perhaps a reason.

        Prompts end with the prefill. What they share at their beginning is read once, and the
        reason continues from the same key/value cache as the rating.
        """
        tokens = self._rating_tokens(rating_scale)
        texts = [self.render(prompt) + tokens.lead for prompt in prompts]
        reason, probe = self._ids(REASON), tokens.probe
        longest = len(probe)
        if reasons:
            longest += 1 + len(reason) + self.reason_tokens
        by = [self.adapter] * len(texts) if adapters is None else adapters

        def run(rows: list[int], ids: list[Row]) -> Iterator[tuple[float, Generation]]:
            keep = 1 + len(probe)
            adapted = [by[row] for row in rows]
            names = self._shared.adapter_names(adapted)
            begun = read(
                self.model,
                self._plan([[*row, *probe] for row in ids], adapted, keep),
                self._pad,
                keep=keep,
                cache=reasons,
                by_row=self._names_of(adapted),
            )
            weights = tokens.shares(begun.logits).cpu().numpy()
            ratings = [self._rating(w, seeds[row]) for row, w in zip(rows, weights, strict=True)]
            if not reasons:
                silent = (Generation("", Tokens(len(row))) for row in ids)
                return zip(ratings, silent, strict=True)
            if probe:
                begun.cache.crop(-len(probe))
                begun = replace(
                    begun, ids=begun.ids[:, : -len(probe)], mask=begun.mask[:, : -len(probe)]
                )
            said = [[*tokens.ids[round(rating) - MIN_RATING], *reason] for rating in ratings]
            continued = self._continue(
                *self._longer(begun, said),
                [seeds[row] for row in rows],
                self.reason_tokens,
                cache=begun.cache,
                **names,
            )
            return zip(ratings, continued, strict=True)

        return self._batched(texts, longest, run)

    def render(self, prompt: Prompt) -> str:
        """The prompt as text, in the model's own chat template where it has one."""
        return render_messages(self.tokenizer, prompt.messages) + prompt.prefill

    def _continue(
        self,
        ids: torch.Tensor,
        mask: torch.Tensor,
        seeds: Sequence[int],
        max_new_tokens: int,
        **more: Any,
    ) -> Iterator[Generation]:
        """Generate behind each row; a text cut off by the limit loses its broken sentence."""
        sampling = LogitsProcessorList()
        if self.temperature > 0:
            uniforms = [generator(seed, "tokens").random(max_new_tokens) for seed in seeds]
            sampling.append(
                SeededSampling(uniforms, self.temperature, self.top_k, self.top_p, self.device)
            )
        output = self.model.generate(
            input_ids=ids,
            attention_mask=mask,
            **more,
            max_new_tokens=max_new_tokens,
            do_sample=False,
            logits_processor=sampling,
            pad_token_id=self.tokenizer.pad_token_id,
        )
        stop = self._stop_tokens
        read_tokens = mask.sum(-1).tolist()
        for new, size in zip(output[:, ids.shape[1] :].tolist(), read_tokens, strict=True):
            length = next((at for at, token in enumerate(new) if token in stop), len(new))
            text = self.tokenizer.decode(new[:length], skip_special_tokens=True).strip()
            cut_off = length == len(new)
            if cut_off:
                text = whole_sentences(text)
            yield Generation(text, Tokens(size, length), cut_off)

    def _rating(self, weights: npt.NDArray[np.float64], seed: int) -> float:
        if self.rating == "sample":
            return float(MIN_RATING + generator(seed, "rating").choice(len(weights), p=weights))
        return round(float(weights @ np.arange(MIN_RATING, MIN_RATING + len(weights))), 4)

    def _longer(self, begun: Read, more: Sequence[Row]) -> tuple[torch.Tensor, torch.Tensor]:
        """Token ids and mask with more tokens behind what has been read."""
        ids, mask = padded(more, self._pad, self.device)
        return torch.cat([begun.ids, ids], dim=1), torch.cat([begun.mask, mask], dim=1)

    def _plan(
        self, rows: Sequence[Row], adapters: Sequence[str | None], keep: int = 1
    ) -> list[Level]:
        """How to read prompts: those of one adapter share what they begin with."""
        kinds: Sequence[Hashable] = adapters if can_share(self.model) else range(len(rows))
        return levels(rows, kinds, keep, a_pass=pass_in_tokens(self.device))

    def _names_of(
        self, adapters: Sequence[str | None]
    ) -> Callable[[Sequence[int]], dict[str, Any]]:
        return lambda members: self._shared.adapter_names([adapters[m] for m in members])

    def _batched(
        self,
        texts: Sequence[str],
        new_tokens: int,
        run: Callable[[list[int], list[Row]], Iterator[Result]],
    ) -> list[Result]:
        """Apply `run` to batches of like prompts; results in the order of the texts."""
        ids = [self._ids(text) for text in texts]
        # Alike prompts stand side by side.
        order = sorted(range(len(ids)), key=lambda row: (-len(ids[row]), ids[row]))
        results: dict[int, Result] = {}
        for places in batches(
            [len(ids[row]) for row in order],
            new_tokens,
            max_rows=self.max_batch,
            max_tokens=self.max_batch_tokens,
            device=self.device,
        ):
            rows = [order[place] for place in places]
            with torch.inference_mode():
                results |= zip(rows, run(rows, [ids[row] for row in rows]), strict=True)
        return [results[row] for row in range(len(texts))]

    @property
    def _pad(self) -> int:
        return int(self.tokenizer.pad_token_id)

    @cached_property
    def _stop_tokens(self) -> frozenset[int]:
        ends = self.model.generation_config.eos_token_id
        ends = ends if isinstance(ends, list) else [ends]
        return frozenset({*ends, self.tokenizer.eos_token_id} - {None})

    def _rating_tokens(self, rating_scale: int) -> RatingTokens:
        if rating_scale not in self._tokens:
            found = rating_tokens(self._ids, rating_scale)
            if found is None:
                raise UserError(
                    f"policy.model: the tokenizer of {self.model_id} splits numbers: no ratings"
                )
            self._tokens[rating_scale] = found
        return self._tokens[rating_scale]

    def _ids(self, text: str) -> list[int]:
        return list(self.tokenizer(text, add_special_tokens=False)["input_ids"])


def best_dtype(device: torch.device) -> torch.dtype:
    """bfloat16 where the device computes in it, else float32."""
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    if device.type == "cpu" and torch.ops.mkldnn._is_mkldnn_bf16_supported():
        return torch.bfloat16
    return torch.float32
