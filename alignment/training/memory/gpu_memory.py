"""The memory that training takes on each GPU, computed from the shape of the model.

docs/how/gpu-memory.md derives the formulas.
"""

from dataclasses import dataclass
from typing import Literal

from .model_shape import ModelShape

Sharding = Literal["none", "zero2", "full"]
"""Whether each GPU has everything (one GPU, or DDP); all weights, and a share of gradients and of
the optimiser's state (ZeRO, stage 2); or a share of everything (FSDP2; ZeRO, stage 3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """How a step is computed.

    Attributes:
        rows: Candidates, or packed groups, that one GPU reads at a time.
        length: Tokens of a row, padding included.
        lora_rank: Rank of adapters on every linear layer but the output layer; None: all weights
            are trained.
        checkpointing: Whether activations are computed twice (`method.gradient_checkpointing`).
        logits_chunk: Positions whose logits are in memory at a time (`method.logits_chunk`).
        accumulation: Micro-batches of a step; with more than one, gradients stay in memory while
            activations are computed.
    """

    rows: int = 12
    length: int = 512
    lora_rank: int | None = None
    checkpointing: bool = False
    logits_chunk: int = 256
    accumulation: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """Bytes that a GPU holds, by what they are for."""

    weights: float
    optimiser: float
    """The two moments of Adam."""
    gradients: float
    buckets: float
    """What DistributedDataParallel sums gradients in, beside the gradients."""
    tied_gradient: float
    """The gradient of the embedding, before it is added to that of an output layer tied to it."""
    copies: float
    """Weights in bfloat16, as products read them, and weights that were gathered from others."""
    activations: float
    """What the forward pass keeps for the backward pass."""
    a_layer: float
    """Activations of one layer, whose gradients are computed."""
    logits: float
    checkpointing: bool
    accumulates: bool

    @property
    def peak(self) -> float:
        """The largest sum: where the forward pass ends, or the backward pass begins or ends."""
        forward_ends = self.copies + self.activations + self.logits
        backward_begins = self.activations + (self.a_layer if self.checkpointing else 0.0)
        backward_ends = self.gradients + self.tied_gradient + self.a_layer
        if self.accumulates:
            forward_ends += self.gradients
            backward_begins += self.gradients
        states = self.weights + self.optimiser + self.buckets
        return states + max(forward_ends, backward_begins, backward_ends)


def expected_memory(
    shape: ModelShape, step: Step, gpus: int = 1, sharding: Sharding = "none"
) -> Expected:
    """Return the memory of each GPU in training with AdamW under bfloat16 autocast.

    Args:
        shape: Shape of the model.
        step: How a step is computed.
        gpus: Number of GPUs that train together.
        sharding: What they share out.
    """
    adapters = 0 if step.lora_rank is None else shape.adapter_parameters(step.lora_rank)
    trained = adapters or shape.parameters
    stored = shape.parameters * (shape.stored_bytes if adapters else 4) + 4 * adapters
    if sharding == "zero2":
        # DeepSpeed computes with weights in bfloat16, and shares out their values in float32.
        weights = 2 * shape.parameters + 4 * trained / gpus
    else:
        weights = stored / (gpus if sharding == "full" else 1)
    shares_of_states = 1 if sharding == "none" else gpus
    layer = activation_bytes(shape, step.lora_rank)
    # A layer's input, which is added to its output: in float32 where the weights are.
    kept = shape.hidden * (shape.stored_bytes if adapters else 4) if step.checkpointing else layer
    positions = step.rows * step.length
    # The last norm keeps its input and its output; the embedding keeps nothing.
    ends = 10 * shape.hidden
    return Expected(
        weights=weights,
        optimiser=8 * trained / shares_of_states,
        gradients=4 * trained / shares_of_states,
        buckets=4 * trained if sharding == "none" and gpus > 1 else 0,
        tied_gradient=4 * shape.vocabulary * shape.hidden if shape.tied and not adapters else 0,
        copies=_copies(shape, adapters, sharding),
        activations=positions * (shape.layers * kept + ends),
        # The gradients of three activations of the feed-forward part are there at a time.
        a_layer=positions * (layer + 6 * shape.intermediate),
        # In bfloat16, in float32, and their exponentials; half of the positions are learnt.
        logits=min(step.logits_chunk, positions / 2) * shape.vocabulary * (2 + 4 + 4),
        checkpointing=step.checkpointing,
        accumulates=step.accumulation > 1,
    )


def activation_bytes(shape: ModelShape, lora_rank: int | None) -> int:
    """Return the bytes that one layer keeps of each position for its backward pass."""
    attention = 4 * shape.queries + 4 * shape.keys + 4 * shape.heads
    feed_forward = 8 * shape.intermediate
    norms = 8
    if lora_rank is None:
        return 26 * shape.hidden + attention + feed_forward + norms
    adapters = 2 * shape.queries + 14 * lora_rank
    return 18 * shape.hidden + attention + feed_forward + norms + adapters


def _copies(shape: ModelShape, adapters: int, sharding: Sharding) -> float:
    """Return the bytes of weights beside those that the GPU keeps."""
    if sharding == "full":
        # Two layers at a time and what is outside of layers, gathered in bfloat16, with their
        # gradients in bfloat16 and, while these are summed, in float32.
        outside = shape.embedding_parameters
        bytes_each = 2 if adapters else 2 + 2 + 4
        return bytes_each * (2.0 * shape.layer_parameters + outside)
    if sharding == "zero2":
        return 0.0
    if adapters:
        return 2.0 * adapters
    # Autocast keeps the bfloat16 copy of every weight until the forward pass ends.
    return 2.0 * (shape.layers * shape.layer_products + shape.vocabulary * shape.hidden)
