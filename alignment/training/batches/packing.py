"""Shared-prompt packing: a prompt is read once, with all its responses behind it.

Every response sees the prompt and itself, and its positions go on from the prompt's end, so that
likelihoods are those of the responses read apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from social_sandbox.envs.errors import UserError
from social_sandbox.policies.huggingface.attention import packing_obstacle

from .encoding import IGNORED

if TYPE_CHECKING:
    from .encoding import EncodedGroup

Packing = bool | Literal["auto"]

COST = 1.5
"""What a packed position costs, in positions that are not packed, whose attention is faster.

Measured with SmolLM2 on two cores, 4 responses to a prompt: 1.7 times as fast at 192 tokens of
prompt and 64 of response, 1.1 times at 128 and 128, 0.9 times at 64 and 192.
"""


@dataclass(frozen=True, slots=True)
class Packed:
    """Rows of token ids, one for each group."""

    input_ids: list[list[int]]
    labels: list[list[int]]
    position_ids: list[list[int]]
    segment: list[list[int]]
    """0 in the prompt, and 1 + the number of the candidate in its response."""


def pack(groups: Sequence["EncodedGroup"], packing: Packing) -> Packed | None:
    """Return the groups with all candidates of a group behind its prompt, one row a group.

    Return None where prompts of a group were cut to different lengths, or where `packing` is
    "auto" and padded rows are expected to be faster.
    """
    packed = Packed([], [], [], [])
    number = 0
    for group in groups:
        rows = group.candidates
        prompts = {row.input_ids[: row.n_prompt] for row in rows}
        if len(prompts) > 1 or () in prompts:
            return None
        for prompt in prompts:
            ids, labels = list(prompt), [IGNORED] * len(prompt)
            positions, segment = list(range(len(prompt))), [0] * len(prompt)
            for row in rows:
                number += 1
                response = row.input_ids[len(prompt) :]
                ids += response
                labels += row.labels[len(prompt) :]
                positions += range(len(prompt), len(row.input_ids))
                segment += [number] * len(response)
            packed.input_ids.append(ids)
            packed.labels.append(labels)
            packed.position_ids.append(positions)
            packed.segment.append(segment)
    apart = [len(row.input_ids) for group in groups for row in group.candidates]
    if not apart:
        return None
    together = len(packed.input_ids) * max(map(len, packed.input_ids))
    worth = together * COST < len(apart) * max(apart)
    return packed if packing is True or worth else None


def allowed(packing: Packing, model: Any) -> Packing:
    """Return the setting for a model; "auto" becomes False for a model that cannot pack.

    Raises:
        UserError: the setting is true and the model cannot read packed prompts.
    """
    obstacle = packing_obstacle(model)
    if obstacle is None or packing is False:
        return packing
    if packing == "auto":
        return False
    raise UserError(f"method.packing is true, but {obstacle}; set it to auto or false")
