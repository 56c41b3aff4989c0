"""Embeddings from an OpenAI-compatible API, for the memories of a society."""

import logging
from collections.abc import Sequence

import numpy as np
from pydantic import validate_call

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.rules.memory import Vectors

from .. import background
from ..embedding_cache import EmbeddingCache
from ..prompts.control_tokens import defused
from .config import KEY, ApiConfig, ClientLibrary
from .http.client import ApiClient
from .http.errors import ApiError, Refused

log = logging.getLogger(__name__)


class OpenAIEmbedder:
    """An `envs.rules.memory.Embedder` behind an API, which keeps the embeddings of recent texts."""

    @validate_call
    def __init__(
        self,
        model: str,
        *,
        base_url: str | Sequence[str] | None = None,
        api_key_env: str = KEY,
        client: ClientLibrary = "aiohttp",
        batch_size: int = 256,
        cache_size: int = 100_000,
        timeout: float = 60.0,
        max_retries: int = 5,
    ) -> None:
        """Create the embedder; nothing is sent yet.

        Args:
            model: The server's name for the model.
            base_url: Address of the server, or the addresses of several; default: OpenAI.
            api_key_env: The environment variable that holds the API key.
            client: See `ApiConfig`.
            batch_size: The largest number of texts in one request.
            cache_size: The number of texts whose embeddings are kept.
            timeout: Time limit of one request, in seconds.
            max_retries: Repetitions of a request after failures that may pass.

        Raises:
            UserError: A setting is out of its range, or there is no API key.
        """
        config = ApiConfig(
            section="embedder",
            model=model,
            base_url=base_url,
            api_key_env=api_key_env,
            client=client,
            timeout=timeout,
            max_retries=max_retries,
        )
        self._client = ApiClient(config)
        self._batch_size = batch_size
        self._cache = EmbeddingCache(cache_size)

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return unit vectors of shape (len(texts), dimension), float32.

        Raises:
            UserError: The server sends no embeddings.
        """
        if not texts:
            return np.zeros((0, 0), dtype=np.float32)
        return np.stack(self._cache.embed(texts, self._embed_new))

    def _embed_new(self, texts: list[str]) -> Vectors:
        starts = range(0, len(texts), self._batch_size)
        return np.concatenate([self._request(texts[at : at + self._batch_size]) for at in starts])

    def _request(self, texts: Sequence[str]) -> Vectors:
        try:
            # Most servers refuse an empty text.
            embeddings = background.run(
                self._client.embed([defused(text) or " " for text in texts])
            )
        except Refused as error:
            return self._without_refused(texts, error)
        except ApiError as error:
            raise UserError(f"embedder.{error.setting or 'model'}: {error}") from None
        vectors = np.array(embeddings, dtype=np.float32)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(vectors / np.maximum(lengths, 1e-12), dtype=np.float32)

    def _without_refused(self, texts: Sequence[str], refusal: Refused) -> Vectors:
        """Return the embeddings of texts of which a content filter refuses at least one.

        A refused text gets the embedding of a blank: the run goes on, and the text is near to
        nothing in particular. Halving finds it among n others with about 2 log2(n) requests.
        """
        if len(texts) > 1:
            half = len(texts) // 2
            return np.concatenate([self._request(texts[:half]), self._request(texts[half:])])
        if not texts[0].strip():
            raise UserError(f"embedder.model: {refusal}, of a blank text") from None
        log.warning("embedder: %s; a text is embedded as if it was empty", refusal)
        return self._request([" "])
