"""The training of language models on rated groups."""

from typing import TYPE_CHECKING

from social_sandbox.envs.lazy import on_use

if TYPE_CHECKING:
    from .batches.encoding import Encoded as Encoded
    from .batches.encoding import EncodedGroup as EncodedGroup
    from .batches.encoding import encode as encode
    from .config import TrainingConfig as TrainingConfig
    from .group_trainer import GroupTrainer as GroupTrainer
    from .method import Job as Job
    from .method import Method as Method

_PLACES = {
    "Encoded": "batches.encoding",
    "EncodedGroup": "batches.encoding",
    "GroupTrainer": "group_trainer",
    "Job": "method",
    "Method": "method",
    "TrainingConfig": "config",
    "encode": "batches.encoding",
}
__all__ = list(_PLACES)
__getattr__ = on_use(__name__, _PLACES)
