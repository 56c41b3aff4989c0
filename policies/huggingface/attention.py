"""Which models can read prompts that share their beginning, or several responses in one row.

Both need more than the usual causal mask: between two tokens of one text there may be padding, or
tokens of another text, which the model must neither attend to nor carry along in a state.
"""

import inspect
from typing import Any


def can_share(model: Any) -> bool:
    """Return whether prompts can share key/value pairs in this model."""
    return sharing_obstacle(model) is None


def sharing_obstacle(model: Any) -> str | None:
    """Return why prompts cannot share key/value pairs in this model, or None if they can.

    Every layer has to attend to all earlier tokens, as far as the mask permits. A sliding window
    or a running state would count the padding between two segments as text.
    """
    config = model.config.get_text_config()
    if getattr(_without_adapters(model), "_is_stateful", False):
        return "the model has a state that runs through its prompt"
    layers = getattr(config, "layer_types", None)
    if layers:
        partial = any(layer != "full_attention" for layer in layers)
    else:
        partial = bool(getattr(config, "sliding_window", None))
    return "not all layers of the model see the whole prompt" if partial else None


def packing_obstacle(model: Any) -> str | None:
    """Return why several responses cannot share one row with their prompt, or None if they can.

    In addition to `sharing_obstacle`, the model has to accept positions and a mask of shape
    (batch, 1, length, length).
    """
    parameters = inspect.signature(_without_adapters(model).forward).parameters
    if "position_ids" not in parameters or "attention_mask" not in parameters:
        return "the model takes no position_ids"
    obstacle = sharing_obstacle(model)
    if obstacle is not None:
        return obstacle
    if getattr(model.config.get_text_config(), "_attn_implementation", None) != "sdpa":
        return "the model's attention is not sdpa, which takes any mask"
    return None


def _without_adapters(model: Any) -> Any:
    """Return the model of transformers inside a model with LoRA adapters."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model
