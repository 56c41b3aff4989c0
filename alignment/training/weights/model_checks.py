"""Checks of a model that has been loaded, so that nothing fails once it has been trained."""

from collections.abc import Sequence
from tempfile import TemporaryDirectory
from typing import Any

from social_sandbox.envs.errors import UserError, first_words
from social_sandbox.envs.text.messages import Message
from social_sandbox.policies.huggingface.capacity import (
    check_ids,
    check_positions,
    fit_tokens,
    mend_generation_config,
)
from social_sandbox.policies.huggingface.model_folder import check_kind

from ...data.groups import RatedGroup
from ..batches.encoding import encode
from ..config import TrainingConfig

_NAME = "base_model"


def check_fit(tokenizer: Any, config: Any, method: TrainingConfig) -> None:
    """Check a tokenizer and the settings of a method against a model's configuration.

    Args:
        tokenizer: Tokenizer of transformers, whose padding token may be replaced.
        config: Configuration of the model.
        method: Settings of the method.

    Raises:
        UserError: A token has no embedding, or the model has too few positions.
    """
    rows = config.get_text_config(decoder=True).vocab_size
    fit_tokens(tokenizer, rows, _NAME)
    check_positions(config, method.max_length, f"method.max_length={method.max_length}", _NAME)
    if tokenizer.eos_token_id is not None:
        example = encode(tokenizer, (Message("user", "a question"),), "an answer", 2**31)
        check_ids(tokenizer, example.input_ids, rows, _NAME)


def check_trainable(
    model: Any, tokenizer: Any, groups: Sequence[RatedGroup], method: TrainingConfig
) -> None:
    """Check that a loaded model can be trained on groups and saved afterwards.

    Args:
        model: Model of transformers, whose generation settings may be mended.
        tokenizer: Tokenizer of the model, whose padding token may be replaced.
        groups: The data.
        method: Settings of the method.

    Raises:
        UserError: The model has adapters, is quantised or no causal language model, its tokenizer
            does not fit, or its settings cannot be saved.
    """
    if getattr(model, "peft_config", None):
        raise UserError(f"{_NAME}: the model has adapters; merge them first (merge_and_unload)")
    check_kind(model.config, model.config.name_or_path or "the model", _NAME, trained=True)
    check_fit(tokenizer, model.config, method)
    _check_texts(tokenizer, groups, model.config.get_text_config(decoder=True).vocab_size)
    generation = getattr(model, "generation_config", None)
    if generation is not None:
        mend_generation_config(generation, _NAME)
    with TemporaryDirectory() as folder:
        try:
            model.config.save_pretrained(folder)
            if generation is not None:
                generation.save_pretrained(folder)
            tokenizer.save_pretrained(folder)
        except Exception as error:
            raise UserError(
                f"{_NAME}: the trained model could not be saved: {first_words(error)}"
            ) from error


def _check_texts(tokenizer: Any, groups: Sequence[RatedGroup], rows: int) -> None:
    """Raise UserError if a text of the data has a token for which the model has no embedding."""
    beyond = {token for token, number in tokenizer.get_vocab().items() if number >= rows}
    added = beyond & tokenizer.get_added_vocab().keys()
    if not beyond:
        return
    for group in groups:
        for candidate in group.candidates:
            texts = (*(message.content for message in group.prompt), candidate.text)
            # Added tokens are found by their text; others only by encoding.
            if added == beyond and not any(token in text for token in added for text in texts):
                continue
            ids = encode(tokenizer, group.prompt, candidate.text, 2**31).input_ids
            check_ids(tokenizer, ids, rows, f"groups: {group.id}: {_NAME}")
