"""lm-eval's Hugging Face model, which reads the shared prefixes of requests once."""

from lm_eval.models.huggingface import HFLM

from ..continuation_likelihoods import log_likelihoods

Request = tuple[tuple[str, str], list[int], list[int]]
"""The two texts, the tokens of the context, and the tokens of the continuation."""


class SharedPrefixLM(HFLM):  # type: ignore[misc]
    """HFLM for requests whose contexts share prefixes, such as the choices of one item.

    Log-likelihoods are those of HFLM up to the rounding of another batch, with float32 sums.
    """

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
            room = self.max_length + 1 - len(tail)
            cut.append((context[-room:], tail))
        answers = {
            place: (float(logs.sum()), bool(greedy.all()))
            for place, logs, greedy in log_likelihoods(self.model, self.tokenizer, cut)
        }
        return [answers[place] for place in range(len(requests))]
