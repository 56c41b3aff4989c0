"""Any causal language model of transformers as a policy."""

from collections.abc import Hashable, Sequence
from contextlib import AbstractContextManager
from copy import copy
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import validate_call

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.rules.turns import RATED_PHASES, RATING_SCALE, Turn, Utterance
from social_sandbox.envs.text.thoughts import ONLY_THOUGHT, closed

from ..prompts.prompts import Prompt, prompt_for
from .capacity import check_positions
from .engine import Engine, Generation
from .shared_model import (
    best_dtype,
    check_adapter,
    check_model,
    find,
    named_dtype,
    shared_model,
)
from .smollm2 import SMOLLM2, model_name
from .text.chat_template import check_template, prompt_ids, render_messages, use_template


class HuggingFacePolicy:
    """Answers turns with a causal language model, in batches.

    Drafts, revisions and reasons are generated. A rating is read from the logits of the numbers
    behind "Rating:" in one forward pass. Prompts that begin with the same tokens share the
    computation of these tokens. Sampling is seeded by the turn, so that an answer does not depend
    on the batch around it, up to the rounding of floating-point numbers.
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
        chat_template: str | Path | None = None,
    ) -> None:
        """Create the policy; the model is loaded on first use.

        Args:
            model: Path or hub id of the model, or `smollm2` for the embedded model.
            adapter: Path or hub id of a LoRA adapter for the model. Policies with the same model
                share its weights, whatever their adapters, and in a rollout their batches, too.
            name: Name in the records; default: the last part of `adapter` or `model`.
            temperature: Sampling temperature; 0 means greedy decoding.
            top_k: Number of likeliest tokens to sample from.
            top_p: Probability mass of the likeliest tokens to sample from.
            max_new_tokens: The largest number of tokens of a draft or a revision.
            reason_tokens: The largest number of tokens of the reason of a rating.
            reasons: Phases (`feedback`, `observe`) in which a rating comes with a reason.
            rating: `expected` value of the rating, or a rating that is drawn at random (`sample`)
                from the probabilities of the numbers.
            max_batch: The largest number of sequences in a batch.
            max_batch_tokens: The largest number of tokens in a batch, including padding and the
                tokens to be generated.
            device: Device of the model; default: a GPU if there is one.
            dtype: Data type of the weights; default: bfloat16 if the device computes in bfloat16.
            chat_template: Jinja file with a chat template; default: the template of the model.

        Raises:
            UserError: A setting is out of its range, or a folder does not exist.
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
        check_adapter(adapter)
        if model != SMOLLM2 and Path(find(model)).is_dir():
            # Files are read, and nothing is downloaded or converted.
            config = check_model(model)
            longest = max(max_new_tokens, reason_tokens)
            check_positions(config, longest, f"policy.max_new_tokens={longest}", "policy.model")
        self.model_id, self.adapter = model, adapter
        self.name = name or Path(adapter or model).name
        self.max_new_tokens, self.reason_tokens = max_new_tokens, reason_tokens
        self.reasons = frozenset(reasons)
        self.chat_template = chat_template
        self.device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self.dtype = named_dtype(dtype) if dtype else best_dtype(self.device)
        self.engine = Engine(
            shared_model(model, self.device, self.dtype),
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            rating=rating,
            max_batch=max_batch,
            max_batch_tokens=max_batch_tokens,
        )

    @property
    def model(self) -> Any:
        """The model, loaded on first use."""
        return self.engine.shared.model

    @cached_property
    def tokenizer(self) -> Any:
        """The tokenizer, which pads on the left."""
        tokenizer = self.engine.shared.tokenizer
        if self.chat_template is not None:
            # A copy: other policies with the same model keep the template of the model.
            tokenizer = copy(tokenizer)
            use_template(tokenizer, Path(self.chat_template))
        check_template(tokenizer)
        return tokenizer

    def check(self) -> None:
        """Load the tokenizer, and try the chat template; the weights are not loaded yet.

        Raises:
            UserError: The tokenizer cannot be loaded, or the template loses messages.
        """
        _ = self.tokenizer

    def as_it_speaks(self) -> AbstractContextManager[Any]:
        """Return a context with the model and the policy's adapter on, for calls of the model."""
        return self.engine.shared.with_adapter(self.adapter)

    @cached_property
    def together(self) -> Hashable:
        """A key that is equal for policies which differ in adapter and name alone.

        The turns of policies with an equal key can be answered by one call of `act_together`.
        """
        different = ("name", "adapter", "tokenizer")
        settings = {name: value for name, value in vars(self).items() if name not in different}
        return f"{type(self)} {settings}"

    def act(self, turns: Sequence[Turn]) -> list[Utterance]:
        """See `Policy.act`."""
        return self.act_together(turns, [self] * len(turns))

    def act_together(
        self, turns: Sequence[Turn], players: Sequence["HuggingFacePolicy"]
    ) -> list[Utterance]:
        """Answer the turns of several policies whose key `together` equals that of this policy.

        Args:
            turns: The turns.
            players: The policy of each turn.
        """
        prompts = [prompt_for(turn) for turn in turns]
        seeds = [turn.seed for turn in turns]
        adapters = [player.adapter for player in players]
        utterances: dict[int, Utterance] = {}
        unrated = [i for i, turn in enumerate(turns) if turn.phase not in RATED_PHASES]
        texts = self.generate(
            [prompts[i] for i in unrated],
            [seeds[i] for i in unrated],
            self.max_new_tokens,
            [adapters[i] for i in unrated],
        )
        for i, text in zip(unrated, texts, strict=True):
            error = _only_thought(text) if text.only_thought else ""
            utterances[i] = Utterance(
                text.text, tokens=text.tokens, cut_off=text.cut_off, error=error
            )
        # Turns with the same scale, and with or without a reason alike, are rated together.
        kinds = {
            i: (turn.reason and turn.phase.value in self.reasons, turn.rating_scale)
            for i, turn in enumerate(turns)
            if turn.phase in RATED_PHASES
        }
        for kind in dict.fromkeys(kinds.values()):
            reasons, rating_scale = kind
            rated = [i for i in kinds if kinds[i] == kind]
            verdicts = self.judge(
                [prompts[i] for i in rated],
                [seeds[i] for i in rated],
                [adapters[i] for i in rated],
                reasons=reasons,
                rating_scale=rating_scale,
            )
            for i, (rating, reason) in zip(rated, verdicts, strict=True):
                utterances[i] = Utterance(
                    reason.text, rating, tokens=reason.tokens, cut_off=reason.cut_off
                )
        return [replace(utterances[i], policy=player.name) for i, player in enumerate(players)]

    def generate(
        self,
        prompts: Sequence[Prompt],
        seeds: Sequence[int],
        max_new_tokens: int,
        adapters: Sequence[str | None] | None = None,
    ) -> list[Generation]:
        """Continue each prompt; see `Engine.generate`.

        Args:
            prompts: The prompts.
            seeds: Seed of each continuation.
            max_new_tokens: The largest number of tokens of a continuation.
            adapters: Adapter of each prompt; default: this policy's adapter.
        """
        rows = [self.ids(prompt) for prompt in prompts]
        if adapters is None:
            adapters = [self.adapter] * len(prompts)
        return self.engine.generate(rows, seeds, adapters, max_new_tokens)

    def judge(
        self,
        prompts: Sequence[Prompt],
        seeds: Sequence[int],
        adapters: Sequence[str | None] | None = None,
        *,
        reasons: bool,
        rating_scale: int = RATING_SCALE,
    ) -> list[tuple[float, Generation]]:
        """Return a rating and its reason for each prompt; see `Engine.judge`.

        Args:
            prompts: Prompts that end with `prompts.PREFILL`.
            seeds: Seed of each rating and reason.
            adapters: Adapter of each prompt; default: this policy's adapter.
            reasons: Whether to generate reasons; without them the text is empty.
            rating_scale: The highest rating.
        """
        lead = self.engine.shared.rating_tokens(rating_scale).lead
        rows = [self.ids(prompt, lead) for prompt in prompts]
        if adapters is None:
            adapters = [self.adapter] * len(prompts)
        reason_tokens = self.reason_tokens if reasons else 0
        return self.engine.judge(rows, seeds, adapters, reason_tokens, rating_scale)

    def ids(self, prompt: Prompt, lead: str = "") -> list[int]:
        """Return the token ids of a prompt, see `chat_template.prompt_ids`.

        Args:
            prompt: The prompt.
            lead: Text behind the prefill, see `RatingTokens`.
        """
        answer = prompt.prefill + lead if prompt.prefill else None
        return prompt_ids(self.tokenizer, prompt.messages, answer)

    def render(self, prompt: Prompt) -> str:
        """Return a prompt as text, by the model's chat template if it has one."""
        text = render_messages(self.tokenizer, prompt.messages)
        return closed(text) + prompt.prefill if prompt.prefill else text


def _only_thought(generation: Generation) -> str:
    limit = ", which policy.max_new_tokens has cut off" if generation.cut_off else ""
    return f"{ONLY_THOUGHT}{limit}"
