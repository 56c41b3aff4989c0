"""The shape of a decoder like Llama: numbers of parameters and operations follow from it."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelShape:
    """The sizes that decide how much memory and time a model takes."""

    hidden: int
    """Features of a position between two layers."""
    layers: int
    heads: int
    """Heads of the queries."""
    key_value_heads: int
    head_size: int
    """Features of a head."""
    intermediate: int
    """Features between the two products of the gated feed-forward part."""
    vocabulary: int
    tied: bool
    """Whether the output layer uses the weights of the embedding."""
    stored_bytes: int = 2
    """Bytes of a weight in the model's files."""

    @property
    def queries(self) -> int:
        """Features of all queries of a position."""
        return self.heads * self.head_size

    @property
    def keys(self) -> int:
        """Features of all keys of a position, and also those of all values."""
        return self.key_value_heads * self.head_size

    @property
    def layer_products(self) -> int:
        """Weights of the linear layers of one layer, each used once by every position."""
        attention = self.hidden * (2 * self.queries + 2 * self.keys)
        return attention + 3 * self.hidden * self.intermediate

    @property
    def layer_parameters(self) -> int:
        """Parameters of one layer, with its two norms."""
        return self.layer_products + 2 * self.hidden

    @property
    def embedding_parameters(self) -> int:
        """Parameters of the embedding, and of the output layer where it has its own."""
        return self.vocabulary * self.hidden * (1 if self.tied else 2)

    @property
    def parameters(self) -> int:
        """All parameters of the model."""
        return self.layers * self.layer_parameters + self.embedding_parameters + self.hidden

    def adapter_parameters(self, rank: int) -> int:
        """Return the parameters of LoRA adapters on every linear layer but the output layer."""
        queries, keys = self.hidden + self.queries, self.hidden + self.keys
        feed_forward = 3 * (self.hidden + self.intermediate)
        return rank * self.layers * (2 * queries + 2 * keys + feed_forward)

    def forward_operations(self, positions: int, length: int, predicted: int) -> float:
        """Return the floating-point operations of a forward pass; a product and a sum are two.

        Args:
            positions: Positions that are read.
            length: Mean number of positions that a position sees, which attention reads.
            predicted: Positions whose logits are computed.
        """
        attention = 4 * self.queries * length
        a_position = self.layers * (2 * self.layer_products + attention)
        return float(positions * a_position + 2 * predicted * self.vocabulary * self.hidden)

    def cache_bytes(self, dtype_bytes: int = 2) -> int:
        """Return the bytes of keys and values that generation keeps for one position."""
        return 2 * self.layers * self.keys * dtype_bytes


def shape_of(config: Any) -> ModelShape:
    """Return the shape that a configuration of transformers describes.

    The formulas hold for models built like Llama (Mistral, Qwen, SmolLM and others): one gated
    feed-forward part and one attention part a layer.
    """
    text = config.get_text_config(decoder=True)
    heads = text.num_attention_heads
    dtype = getattr(config, "dtype", None)
    return ModelShape(
        hidden=text.hidden_size,
        layers=text.num_hidden_layers,
        heads=heads,
        key_value_heads=getattr(text, "num_key_value_heads", None) or heads,
        head_size=getattr(text, "head_dim", None) or text.hidden_size // heads,
        intermediate=text.intermediate_size,
        vocabulary=text.vocab_size,
        tied=bool(text.tie_word_embeddings),
        stored_bytes=getattr(dtype, "itemsize", 2),
    )


def _shape(
    hidden: int, layers: int, heads: tuple[int, int], intermediate: int, rows: tuple[int, bool]
) -> ModelShape:
    return ModelShape(
        hidden=hidden,
        layers=layers,
        heads=heads[0],
        key_value_heads=heads[1],
        head_size=hidden // heads[0],
        intermediate=intermediate,
        vocabulary=rows[0],
        tied=rows[1],
    )


SHAPES = {
    "tiny": _shape(64, 2, (4, 2), 128, (512, True)),
    "135m": _shape(576, 30, (9, 3), 1536, (49_152, True)),
    "1b": _shape(2048, 16, (32, 8), 8192, (128_256, True)),
    "7b": _shape(4096, 32, (32, 32), 11_008, (32_000, False)),
    "8b": _shape(4096, 32, (32, 8), 14_336, (128_256, False)),
    "70b": _shape(8192, 80, (64, 8), 28_672, (128_256, False)),
}
"""Shapes of published models: SmolLM2-135M, Llama 3.2 1B, Llama 2 7B, Llama 3.1 8B and 70B; and one
that runs anywhere."""
