"""lm-eval's Hugging Face model, which reads shared prefixes once, and control tokens as text."""

from typing import Any

from lm_eval.models.huggingface import HFLM

from social_sandbox.envs.text.messages import Message
from social_sandbox.envs.text.thoughts import closed
from social_sandbox.policies.huggingface.text.chat_template import sealed_messages
from social_sandbox.policies.huggingface.text.control_tokens import (
    control_tokens,
    seal,
    sealed_ids,
    text_ids,
)

from ...training.batches.encoding import last_tokens
from ..continuation_likelihoods import log_likelihoods

Request = tuple[tuple[str, str], list[int], list[int]]
"""The two texts, the tokens of the context, and the tokens of the continuation."""


class SharedPrefixLM(HFLM):  # type: ignore[misc]
    """HFLM for requests whose contexts share prefixes, such as the choices of one item.

    Log-likelihoods are those of HFLM up to the rounding of another batch, with float32 sums.
    Texts begin with the BOS if the tokenizer begins texts with it; a chat template writes its own.
    What items spell like control tokens is plain text.
    """

    def __init__(self, **arguments: Any) -> None:
        """See HFLM."""
        super().__init__(**arguments)
        self._rendered: set[str] = set()

    def apply_chat_template(
        self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True
    ) -> str:
        """Return a conversation as sealed text; see `chat_template.sealed_messages`."""
        if not add_generation_prompt:
            return str(super().apply_chat_template(chat_history, add_generation_prompt))
        messages = [Message(m["role"], m["content"]) for m in chat_history]  # type: ignore[arg-type]
        text = closed(sealed_messages(self.tokenizer, messages))
        self._rendered.add(text)
        return text

    def tok_encode(
        self,
        string: str,
        add_special_tokens: bool | None = None,
        left_truncate_len: int | None = None,
        **_: Any,
    ) -> list[int]:
        """Return the token ids of a text of a benchmark."""
        ids = text_ids(self.tokenizer, string)
        if add_special_tokens is not False:
            ids = [*control_tokens(self.tokenizer).begins, *ids]
        return ids[-left_truncate_len:] if left_truncate_len else ids

    def _encode_pair(self, context: str, continuation: str) -> tuple[list[int], list[int]]:
        """Return the token ids of a context and of its continuation."""
        if context not in self._rendered:
            pair: tuple[list[int], list[int]] = super()._encode_pair(context, continuation)
            return pair
        # As in HFLM, white space at the end belong to the continuation.
        before = context.rstrip()
        begins = () if self.tokenizer.chat_template else control_tokens(self.tokenizer).begins
        whole = before + context[len(before) :] + seal(self.tokenizer, continuation)
        ids = sealed_ids(self.tokenizer, before)
        return [*begins, *ids], sealed_ids(self.tokenizer, whole)[len(ids) :]

    def _loglikelihood_tokens(
        self,
        requests: list[Request],
        disable_tqdm: bool = False,
        override_bs: int | None = None,
    ) -> list[tuple[float, bool]]:
        """Return the log-likelihood of each continuation in nats, and whether it is greedy."""
        cut = []
        for _, context, continuation in requests:
            tail = continuation[-self.max_length :]
            # The last token is predicted only, which leaves room for one more.
            room = min(self.max_length + 1 - len(tail), len(context))
            cut.append((last_tokens(context, room, self.tokenizer.bos_token_id), tail))
        answers = {
            place: (float(logs.sum()), bool(greedy.all()))
            for place, logs, greedy in log_likelihoods(self.model, self.tokenizer, cut)
        }
        return [answers[place] for place in range(len(requests))]
