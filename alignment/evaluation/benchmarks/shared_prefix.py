"""lm-eval's Hugging Face model, which reads what requests begin with once for all of them."""

from lm_eval.models.huggingface import HFLM

from ..continuation_likelihoods import log_likelihoods

Request = tuple[tuple[str, str], list[int], list[int]]
"""The texts, the tokens of the context, and those of the continuation."""


class SharedPrefixLM(HFLM):  # type: ignore[misc]
    """The choices of one item share its context, and items share instructions before it.

    Log-likelihoods are those of HFLM up to the rounding of another batch, with float32 sums.
    """

    def _loglikelihood_tokens(
        self,
        requests: list[Request],
        disable_tqdm: bool = False,
        override_bs: int | None = None,
    ) -> list[tuple[float, bool]]:
        """The log-likelihood of each continuation, in nats, and whether it is the greedy one."""
        asked = []
        for _, before, after in requests:
            wanted = after[-self.max_length :]
            # The last token is not read, so that there is room for one more.
            room = self.max_length + 1 - len(wanted)
            asked.append((before[-room:], wanted))
        found = {
            at: (float(likely.sum()), bool(greedy.all()))
            for at, likely, greedy in log_likelihoods(self.model, self.tokenizer, asked)
        }
        return [found[at] for at in range(len(requests))]
