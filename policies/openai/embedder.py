"""Embeddings of an OpenAI-compatible API, for memories."""

from collections.abc import Sequence

import numpy as np
from pydantic import validate_call

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.memory import Vectors

from .. import background
from ..embedding_cache import EmbeddingCache
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
        self._batch_size = batch_size
        self._cache = EmbeddingCache(cache_size)

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors of shape (len(texts), dimension). Raises UserError where there are none."""
        if not texts:
            return np.zeros((0, 0), dtype=np.float32)
        return np.stack(self._cache.embed(texts, self._embed_new))

    def _embed_new(self, texts: list[str]) -> Vectors:
        starts = range(0, len(texts), self._batch_size)
        return np.concatenate([self._ask(texts[at : at + self._batch_size]) for at in starts])

    def _ask(self, texts: Sequence[str]) -> Vectors:
        try:
            # Most servers refuse an empty text.
            said = background.run(self._client.embed([text or " " for text in texts]))
        except ApiError as error:
            raise UserError(f"embedder.{error.setting or 'model'}: {error}") from None
        vectors = np.array(said, dtype=np.float32)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(vectors / np.maximum(lengths, 1e-12), dtype=np.float32)
