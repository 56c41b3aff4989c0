"""What a model has room for: rows of its embedding, positions, and settings that can be saved."""

import logging
from pathlib import Path
from typing import Any

from transformers import GenerationConfig

from social_sandbox.envs.errors import UserError, first_words

_log = logging.getLogger(__name__)
_POSITIONS = (
    "max_position_embeddings",
    "n_positions",
    "n_ctx",
    "max_seq_len",
    "max_sequence_length",
)
_INVALID = "its generation_config.json is invalid, so the trained model could not be saved"
_ROTARY = ("rope_parameters", "rope_scaling", "rope_theta")
_SAMPLING = ("temperature", "top_p", "top_k", "min_p", "typical_p")


def positions(config: Any) -> int | None:
    """Return how many positions a model has a table for; None for a model that computes them.

    A model with rotary or relative positions reads longer texts, if worse than those of its
    training, and is not limited here.
    """
    text = config.get_text_config(decoder=True)
    if getattr(text, "alibi", False) or any(getattr(text, name, None) for name in _ROTARY):
        return None
    numbers = [getattr(text, name, None) for name in _POSITIONS]
    return next((n for n in numbers if isinstance(n, int) and n > 0), None)


def check_positions(config: Any, length: int, what: str, setting: str) -> None:
    """Check that texts of a length fit into a model's positions.

    Args:
        config: Configuration of the model.
        length: Number of tokens.
        what: Setting with its value that asks for the length, such as `method.max_length=512`.
        setting: Setting that names the model.

    Raises:
        UserError: The model has fewer positions.
    """
    most = positions(config)
    if most is not None and length > most:
        raise UserError(f"{what} is longer than the {most} positions of {setting}")


def fit_tokens(tokenizer: Any, rows: int, setting: str) -> None:
    """Check a tokenizer's special tokens against the rows of a model's embedding.

    A padding token without a row is replaced by the end-of-text token; padding is masked, so that
    any token serves.

    Args:
        tokenizer: Tokenizer of transformers; may be changed.
        rows: Number of rows of the embedding.
        setting: Setting that names the model, for messages.

    Raises:
        UserError: The model has no embedding for a token that cannot be replaced.
    """
    for role in ("eos", "bos"):
        number = getattr(tokenizer, f"{role}_token_id")
        if number is not None and number >= rows:
            token = getattr(tokenizer, f"{role}_token")
            raise UserError(
                f"{setting}: the {role}_token {token!r} of its tokenizer has the id {number}, and "
                f"the model has embeddings for {rows} tokens"
            )
    pad = tokenizer.pad_token_id
    if pad is not None and pad >= rows:
        spare = tokenizer.eos_token or tokenizer.bos_token or tokenizer.unk_token
        if spare is None or tokenizer.convert_tokens_to_ids(spare) >= rows:
            raise UserError(
                f"{setting}: the pad_token {tokenizer.pad_token!r} of its tokenizer has the id "
                f"{pad}, and the model has embeddings for {rows} tokens"
            )
        _log.warning(
            "%s: the model has no embedding for the pad_token %r (id %d of %d): pads with %r",
            setting,
            tokenizer.pad_token,
            pad,
            rows,
            spare,
        )
        tokenizer.pad_token = spare


def without_pad_id(config: Any, setting: str) -> dict[str, Any]:
    """Return a configuration to load a model with whose own names a padding token without a row.

    Args:
        config: The model's own configuration, which may be changed.
        setting: Setting that names the model, for messages.

    Returns:
        The argument `config` of `from_pretrained`; nothing for a model that needs no other.
    """
    text = config.get_text_config(decoder=True)
    pad = getattr(text, "pad_token_id", None)
    if pad is None or 0 <= pad < text.vocab_size:
        return {}
    _log.warning(
        "%s: the model has no embedding for the pad_token_id %d of its config.json", setting, pad
    )
    text.pad_token_id = None
    return {"config": config}


def check_ids(tokenizer: Any, ids: Any, rows: int, setting: str) -> None:
    """Check that a model has an embedding for each token id of a text.

    Raises:
        UserError: An id has no row; the message names the token.
    """
    highest = max(ids, default=0)
    if highest >= rows:
        token = tokenizer.convert_ids_to_tokens(int(highest))
        raise UserError(
            f"{setting}: its tokenizer writes {token!r} as the id {highest}, and the model has "
            f"embeddings for {rows} tokens"
        )


def mend_generation_config(config: Any, setting: str, *, log: bool = True) -> None:
    """Make generation settings such that they can be saved with a model's weights.

    Transformers refuses to save settings for sampling without sampling, which published models
    have (Llama 2, Vicuna).

    Args:
        config: Settings, which may be changed.
        setting: Setting that names the model, for messages.
        log: Whether to log a change.

    Raises:
        UserError: The settings are invalid in another way.
    """
    reason = _why_invalid(config)
    if reason and not config.do_sample:
        if getattr(config, "temperature", None) == 0:
            config.temperature = None
        if any(getattr(config, name, None) is not None for name in _SAMPLING):
            config.do_sample = True
        reason = _why_invalid(config)
        if log and not reason:
            _log.warning(
                "%s: its generation_config.json has settings of sampling with do_sample=false; "
                "do_sample=%s is saved with the model",
                setting,
                str(bool(config.do_sample)).lower(),
            )
    if reason:
        raise UserError(f"{setting}: {_INVALID}: {reason}")


def check_generation_file(folder: Path, setting: str) -> None:
    """Raise UserError for a generation_config.json that cannot be saved again, even if mended."""
    if not (folder / "generation_config.json").is_file():
        return
    try:
        config = GenerationConfig.from_pretrained(folder)
    except Exception as error:
        raise UserError(f"{setting}: {_INVALID}: {first_words(error)}") from error
    mend_generation_config(config, setting, log=False)


def _why_invalid(config: Any) -> str | None:
    try:
        config.validate(strict=True)
    except Exception as error:
        return first_words(error)
    return None
