"""A policy over a model that is in memory, and perhaps in training."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from typing import Any

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.rules.turns import Turn, Utterance

from .engine import Engine, Generation
from .policy import HuggingFacePolicy
from .shared_model import SharedModel
from .text.chat_template import check_template


class InMemoryPolicy(HuggingFacePolicy):
    """Answers turns with a model object, by whatever weights it has at that moment.

    It speaks like `HuggingFacePolicy`. As a function of rows of token ids it continues them, with
    the log-probabilities that a trainer needs; `social_sandbox.policies.society.play_group` takes
    it as `generate`. While it speaks, the model is in evaluation mode; afterwards it is in the
    mode in which it was. The active adapter speaks, unless
    `with_adapter` names another one; which adapter is active does not change.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        *,
        name: str = "learner",
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float = 1.0,
        max_new_tokens: int = 64,
        reason_tokens: int = 24,
        reasons: Sequence[str] = ("feedback",),
        max_batch: int = 64,
        max_batch_tokens: int = 16384,
    ) -> None:
        """Create the policy; see `HuggingFacePolicy` for the settings.

        By default it samples from all tokens, as methods of policy gradients suppose.

        Args:
            model: A causal language model of transformers, or a PeftModel.
            tokenizer: The tokenizer of the model.
            name: Name in the records.
            temperature: Sampling temperature; 0 means greedy decoding.
            top_k: Number of likeliest tokens to sample from; None: all.
            top_p: Probability mass of the likeliest tokens to sample from.
            max_new_tokens: The largest number of tokens of a draft or a revision.
            reason_tokens: The largest number of tokens of the reason of a rating.
            reasons: Phases in which a rating comes with a reason.
            max_batch: The largest number of sequences in a batch.
            max_batch_tokens: The largest number of tokens in a batch.

        Raises:
            UserError: The tokenizer's chat template loses messages.
        """
        check_template(tokenizer)
        self.model_id, self.adapter, self.name = name, None, name
        self.max_new_tokens, self.reason_tokens = max_new_tokens, reason_tokens
        self.reasons, self.chat_template = frozenset(reasons), None
        self.engine = Engine(
            _HeldModel(model, tokenizer, name),
            temperature=temperature,
            top_k=len(tokenizer) if top_k is None else top_k,
            top_p=top_p,
            rating="expected",
            max_batch=max_batch,
            max_batch_tokens=max_batch_tokens,
            logprobs=True,
        )

    def with_adapter(self, name: str) -> "InMemoryPolicy":
        """Return this policy with one of the adapters of its PeftModel, whichever is active.

        Policies with adapters of one model share its weights, and in a rollout their batches, too.

        Args:
            name: Name of the adapter in peft, and of the policy in the records.
        """
        shared = self.engine.shared
        # In the place of the adapters that `SharedModel` loads from folders.
        shared.__dict__ |= {
            "_with_adapters": self.model,
            "_adapters": {each: each for each in self.model.peft_config},
        }
        twin = copy(self)
        twin.name = twin.adapter = name
        return twin

    @property
    def tokenizer(self) -> Any:
        """The tokenizer of the model."""
        return self.engine.shared.tokenizer

    def __call__(self, rows: Sequence[Sequence[int]], seeds: Sequence[int]) -> list[Generation]:
        """Continue rows of token ids, each with its own seed."""
        with speaking(self.model):
            self.engine.shared.device = self.model.device
            return self.engine.generate(
                [*map(list, rows)], seeds, [self.adapter] * len(rows), self.max_new_tokens
            )

    def act_together(
        self, turns: Sequence[Turn], players: Sequence[HuggingFacePolicy]
    ) -> list[Utterance]:
        """See `HuggingFacePolicy.act_together`."""
        with speaking(self.model):
            self.engine.shared.device = self.model.device
            return super().act_together(turns, players)


@contextmanager
def speaking(model: Any) -> Iterator[None]:
    """Return a context in which a model is in evaluation mode."""
    was_training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(was_training)


class _HeldModel(SharedModel):
    """A model and its tokenizer that somebody else has loaded."""

    def __init__(self, model: Any, tokenizer: Any, name: str) -> None:
        super().__init__(name, model.device, model.dtype)
        if tokenizer.pad_token_id is None and tokenizer.eos_token_id is None:
            raise UserError("policy.model: the tokenizer has no token that ends a text")
        # In the place of what `SharedModel` loads on first use.
        self.__dict__ |= {"_base": model, "config": model.config, "tokenizer": tokenizer}
