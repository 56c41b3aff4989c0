"""A training run: one model, or an adapter for each role."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from social_sandbox.policies.policy import Policy

from ..data.groups import RatedGroup
from .method import Method, Selection, Society
from .one_trainer import Options, train_one
from .one_trainer import TrainingSummary as TrainingSummary
from .roles.data import groups_of_roles
from .roles.training import train_roles
from .weights.export import check_sharding


def train(
    model: Any,
    tokenizer: Any,
    groups: Sequence[RatedGroup],
    method: Method,
    output_dir: str | Path,
    callbacks: Sequence[Any] = (),
    resume: bool = True,
    progress: bool = True,
    observer: Policy | None = None,
    selection: Selection | None = None,
    society: Society | None = None,
    parts: Mapping[str, Sequence[RatedGroup]] | None = None,
) -> TrainingSummary:
    """Align a model on rated groups with a method, and write the model to `output_dir`/model.

    With `method.lora` the adapters are written to `output_dir`/adapter, and `model` is the base
    model with the adapters merged, in float32. With `method.roles` each role's adapter is written
    to `output_dir`/adapters, and `model` has that of the first role that drafts or revises.

    Args:
        model: A causal language model, trained in place. Trained weights are converted to float32,
            since updates of the usual size (learning rate 2e-5) vanish when rounded to bfloat16.
        tokenizer: The tokenizer of the model.
        groups: The rated groups; those that the method cannot use are left out and counted.
        method: The method of alignment.
        output_dir: Folder for `checkpoints` and, once the run is complete, for `model`.
        callbacks: Callbacks of transformers, which receive every row of metrics.
        resume: Whether to resume from the newest complete checkpoint in `output_dir`.
        progress: Whether to show the Trainer's progress bar.
        observer: The policy that rates answers during training, for a method that `asks_observer`.
        society: The society around the model, for a method that `plays_society`.
        selection: The value of `method.select(groups)`, if the caller has already computed it.
        parts: With `method.roles`, the groups of each adapter, if the caller has already sorted
            them; see `roles.data.groups_of_roles`.

    Returns:
        The summary of the run.

    Raises:
        UserError: The groups hold nothing to train on, a setting is not valid, or the checkpoints
            were made with another method, data, model or settings.
    """
    config = method.config
    check_sharding(config.lora is not None, config.roles is not None)
    folder = Path(output_dir)
    options = Options(callbacks, resume, progress, observer, society)
    if config.roles is not None and not method.trains_roles:
        if parts is None:
            parts = groups_of_roles(groups, config.roles)
        return train_roles(model, tokenizer, parts, method, folder, options)
    return train_one(model, tokenizer, groups, method, folder, options, selection)
