"""Several adapters on one base model in memory, of which one at a time is trained.

peft computes with the active adapter alone. Its `set_adapter` also freezes the others; here all of
them stay trainable, so that one optimiser has them. An adapter that has taken no part in a step has
no gradient, and optimisers leave it as it is, with its moments.
"""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from social_sandbox.policies.huggingface.adapters import merge

from .config import ADAPTERS


def add_adapters(model: Any, names: Sequence[str]) -> None:
    """Put adapters into a PeftModel in the place of its only one, with the settings of that one.

    Args:
        model: A PeftModel with the adapter `default`.
        names: Names of the adapters; the first is active then.
    """
    config = model.peft_config["default"]
    weights = [each for name, each in model.named_parameters() if ".default." in name]
    for name in names:
        # In the type of the one that is replaced.
        model.add_adapter(name, config, autocast_adapter_dtype=False)
        for key, each in model.named_parameters():
            if f".{name}." in key:
                each.data = each.data.to(weights[0].dtype)
    activate(model, names[0])
    model.delete_adapter("default")
    keep_trainable(model)


def activate(model: Any, name: str) -> None:
    """Let a PeftModel compute with one of its adapters; all stay trainable."""
    model.set_adapter(name)
    keep_trainable(model)


def keep_trainable(model: Any) -> None:
    """Let all adapters of a PeftModel be trained by whoever makes an optimiser now."""
    names = tuple(f".{name}." for name in model.peft_config)
    for key, parameter in model.named_parameters():
        if "lora_" in key and any(name in key for name in names):
            parameter.requires_grad_(True)


def export_roles(trainer: Any, folder: Path, answering: str) -> None:
    """Write the adapters of a Trainer's model, and the model that answers questions.

    Args:
        trainer: The Trainer.
        folder: The folder of the run, for `adapters` and `model`.
        answering: The adapter that `model` has merged into it.
    """
    model, tokenizer = trainer.accelerator.unwrap_model(trainer.model), trainer.processing_class
    if trainer.args.should_save:
        final = folder / ADAPTERS
        with replacing(final) as partial:
            model.save_pretrained(str(partial))
            (partial / "README.md").unlink(missing_ok=True)
            for name in model.peft_config:
                tokenizer.save_pretrained(partial / name)
        write_model(without_adapters(model), tokenizer, final / answering, folder)
    # Other processes may read them next.
    trainer.accelerator.wait_for_everyone()


def export_adapter(trainer: Any, folder: Path) -> None:
    """Write the only adapter of a Trainer's model to a folder, with the tokenizer."""
    if trainer.args.should_save:
        with replacing(folder) as partial:
            trainer.accelerator.unwrap_model(trainer.model).save_pretrained(str(partial))
            trainer.processing_class.save_pretrained(partial)
    trainer.accelerator.wait_for_everyone()


@contextmanager
def replacing(folder: Path) -> Iterator[Path]:
    """Return a context with an empty folder, which takes the place of `folder` at its end."""
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    yield partial
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)


def without_adapters(model: Any) -> Any:
    """Return the base model of a PeftModel as it was before, for the next adapter."""
    base = model.unload()
    if hasattr(base, "peft_config"):
        del base.peft_config
    return base


def write_model(base: Any, tokenizer: Any, adapter: Path, folder: Path) -> None:
    """Write a base model with an adapter merged into it to `folder`/model.

    Args:
        base: The base model; it is changed.
        tokenizer: Its tokenizer.
        adapter: The folder of the adapter.
        folder: The folder of the run.
    """
    # Merge in float32: in bfloat16 rounding would erase most of the learnt difference.
    merged = merge(base.float(), adapter, str(adapter), "method.roles")
    with replacing(folder / "model") as partial:
        merged.save_pretrained(partial)
        tokenizer.save_pretrained(partial)
