"""What methods share whose loss is over all candidates of a rated group."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.settings import settings_dataclass

from ..data.groups import RatedGroup, demonstration
from ..data.parts import contrasted_share, in_parts
from ..data.storage.stored import made_of
from ..training.batches.packing import Packing
from ..training.method import Job, Selection, with_adapters
from .offline import OfflineConfig, make_plan

if TYPE_CHECKING:
    from ..training.batches.batching import GroupDataset
    from ..training.group_trainer import GroupLossFunction, GroupTrainer


@settings_dataclass("method")
class GroupedConfig(OfflineConfig):
    """Settings of methods that train with a `GroupTrainer`."""

    candidates_per_group: Annotated[int, Field(ge=1)] = 3
    packing: Packing = "auto"
    logits_chunk: Annotated[int, Field(ge=1)] | None = 256
    stop_nll: Annotated[float, Field(gt=0)] | None = 5.0
    divergence_groups: Annotated[int, Field(ge=0)] = 32


def select_trainable(groups: Sequence[RatedGroup], config: GroupedConfig) -> Selection:
    """Return the groups with an example to imitate, in parts of `candidates_per_group`.

    See `demonstration` and `in_parts`.

    Raises:
        UserError: No group has one.
    """

    def parts(group: RatedGroup) -> list[RatedGroup]:
        if demonstration(group) is None:
            return []
        return list(in_parts([group], config.candidates_per_group, config.seed))

    examples, used = made_of(groups, parts)
    if not used:
        raise UserError(
            f"groups: none of the {len(groups)} groups has a valid candidate with a rating and text"
        )
    return Selection(examples, used)


def make_group_trainer(
    job: Job, config: GroupedConfig, loss: "GroupLossFunction", remedy: str | None = None
) -> "GroupTrainer":
    """Return the project's own Trainer for a loss over rated groups.

    Args:
        job: The model, the groups and the arguments.
        config: The settings of the method.
        loss: The loss.
        remedy: What to change where the contrast turns out to be inactive, for the warning; None:
            the settings ask for no contrast.
    """
    from ..training.batches.batching import GroupDataset
    from ..training.group_trainer import GroupTrainer
    from ..training.loss.contrast import LEAST, WarnOfInactiveContrast

    plan = make_plan(config, job.examples, lambda group: group)
    callbacks = [*plan.callbacks, *job.callbacks]
    if remedy is not None and config.candidates_per_group > 1:
        share = contrasted_share(plan.learnt)
        callbacks.append(WarnOfInactiveContrast(remedy if share >= LEAST else _alike(share)))
    args = plan.arguments(job)

    def dataset(groups: Sequence[RatedGroup]) -> "GroupDataset":
        return GroupDataset(groups, job.tokenizer, max_length=config.max_length)

    return GroupTrainer(
        with_adapters(job, args),
        args,
        dataset(plan.learnt),
        loss,
        callbacks,
        packing=config.packing,
        logits_chunk=config.logits_chunk,
        stop_nll=config.stop_nll,
        divergence_groups=config.divergence_groups,
        held_out=dataset(plan.held_out) if plan.held_out else None,
        staged_epochs=config.epochs if plan.staged else None,
    )


def _alike(share: float) -> str:
    """Return what to change where few groups have anything to contrast."""
    return (
        f"only {share:.0%} of the groups have responses with different ratings; lower "
        "env.questions_per_round, so that more agents answer the same question"
    )
