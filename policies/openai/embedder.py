"""Embeddings of an OpenAI-compatible API, for memories."""

from collections import OrderedDict
from collections.abc import Sequence

import numpy as np
from pydantic import validate_call

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.memory import Vectors

from .. import background
from .client import KEY, ApiClient, ApiConfig, ApiError


class OpenAIEmbedder:
    """See `envs.memory.Embedder`. The last texts are remembered, and not asked for again."""

    @validate_call
    def __init__(
        self,
        model: str,
        *,
        base_url: str | None = None,
        api_key_env: str = KEY,
        batch_size: int = 256,
        cache_size: int = 100_000,
        timeout: float = 60.0,
        max_retries: int = 5,
    ) -> None:
        """Sends nothing yet.

        Args:
            model: the server's name for the model.
            base_url: of the server; default: OpenAI's own.
            api_key_env: the environment variable that holds the key.
            batch_size: texts in one request.
            cache_size: texts whose embeddings are kept.
            timeout: of one request, in seconds.
            max_retries: after failures that pass.
        """
        config = ApiConfig(
            section="embedder",
            model=model,
            base_url=base_url,
            api_key_env=api_key_env,
            timeout=timeout,
            max_retries=max_retries,
        )
        self._client = ApiClient(config)
        self._batch_size, self._cache_size = batch_size, cache_size
        self._cache: OrderedDict[str, Vectors] = OrderedDict()

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors of shape (len(texts), dimension). Raises UserError where there are none."""
        known = {text: self._cache[text] for text in texts if text in self._cache}
        new = [text for text in dict.fromkeys(texts) if text not in known]
        for start in range(0, len(new), self._batch_size):
            batch = new[start : start + self._batch_size]
            known |= zip(batch, self._ask(batch), strict=True)
        for text, vector in known.items():
            self._cache[text] = vector
            self._cache.move_to_end(text)
        while len(self._cache) > self._cache_size:
            self._cache.popitem(last=False)
        if not texts:
            return np.zeros((0, 0), dtype=np.float32)
        return np.stack([known[text] for text in texts])

    def _ask(self, texts: Sequence[str]) -> Vectors:
        try:
            # Most servers refuse an empty text.
            said = background.run(self._client.embed([text or " " for text in texts]))
        except ApiError as error:
            raise UserError(f"embedder.{error.setting or 'model'}: {error}") from None
        vectors = np.array(said, dtype=np.float32)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(vectors / np.maximum(lengths, 1e-12), dtype=np.float32)
