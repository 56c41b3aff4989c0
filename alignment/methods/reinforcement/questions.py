"""What methods share that train on answers which the model gives in training.

Their prompts are numbers of questions, because TRL would tokenise and template texts by itself.
"""

import math
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from social_sandbox.envs.errors import UserError

from ...data.groups import RatedGroup
from ...data.storage.on_disk import Distinct
from ...data.storage.stored import Part, made_of
from ...runtime.processes import is_first
from ...training.batches.samplers import SeedEpoch
from ...training.method import Job

NO_QUESTIONS = frozenset({"self_critic", "realignment"})
"""Kinds of groups whose prompts are no questions to answer."""

_START_MODEL = "start_model."


def asking_groups(groups: Sequence[RatedGroup]) -> Sequence[RatedGroup]:
    """Return the groups whose prompts are questions.

    Raises:
        UserError: There is none.
    """
    asking, _ = made_of(groups, lambda group: [] if group.kind in NO_QUESTIONS else [group])
    if not asking:
        raise UserError(f"groups: none of the {len(groups)} groups asks a question")
    return asking


def distinct_by(
    groups: Sequence[RatedGroup], text_of: Callable[[RatedGroup], str]
) -> Sequence[RatedGroup]:
    """Return the groups that are the first with their text."""
    texts = Distinct()
    places = (n for n, group in enumerate(groups) if texts.add(text_of(group).encode()))
    return Part(groups, np.fromiter(places, dtype=np.int64))


def numbered(count: int, args: Any, generations: int) -> list[int]:
    """Return the numbers of questions for TRL, each once, or more often to fill one step.

    TRL silently drops questions that do not fill a whole step, be it all of them.

    Args:
        count: Number of questions.
        args: Arguments of TRL's trainer.
        generations: Number of answers to each question in a step.
    """
    answers = args.per_device_train_batch_size * args.gradient_accumulation_steps * args.world_size
    return [*range(count)] * math.ceil(answers // generations / count)


def check_batches(batch_size: int, accumulation: int, generations: int) -> None:
    """Raise UserError unless the answers of a step are whole groups."""
    if batch_size * accumulation % generations:
        raise UserError(
            "method.generations: must be a divisor of method.batch_size times "
            f"method.accumulation, got {generations}"
        )


def seeded(kind: Any) -> Any:
    """Return a subclass of a TRL trainer whose order of questions follows from seed and epoch."""

    class OnlineTrainer(kind):  # type: ignore[misc]
        """TRL's trainer for prompts that are numbers of questions."""

        def _get_train_sampler(self, *arguments: Any) -> Any:
            sampler = super()._get_train_sampler(*arguments)
            if sampler.shuffle:
                self.remove_callback(SeedEpoch)
                self.add_callback(SeedEpoch(sampler.generator))
            return sampler

    return OnlineTrainer


def remove_start_models(job: Job, args: Any) -> None:
    """Remove the copies of the start model that a killed run has left."""
    with args.main_process_first(desc="old copies of the start model"):
        if is_first():
            for copy in job.folder.glob(f"{_START_MODEL}*"):
                shutil.rmtree(copy, ignore_errors=True)


@contextmanager
def start_model_on_disk(job: Job, needed: bool) -> Iterator[None]:
    """Write the job's model to a temporary folder, from which TRL loads its reference model.

    TRL loads the reference model from the path in the model's configuration. That path may be
    gone, or hold another model by now.

    Args:
        job: Its model's configuration names the folder while the context is open.
        needed: Whether TRL loads a reference model. With adapters it never does.
    """
    if not needed or job.peft_config is not None:
        yield
        return
    original_path = job.model.config._name_or_path
    job.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=job.folder, prefix=_START_MODEL) as folder:
        job.model.save_pretrained(Path(folder))
        job.model.config._name_or_path = folder
        try:
            yield
        finally:
            job.model.config._name_or_path = original_path
