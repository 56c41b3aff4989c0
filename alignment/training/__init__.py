"""The training of language models on rated groups."""

from typing import TYPE_CHECKING

from social_sandbox.envs.lazy import on_use

if TYPE_CHECKING:
    from .config import TrainingConfig as TrainingConfig
    from .encoding import Encoded as Encoded
    from .encoding import EncodedGroup as EncodedGroup
    from .encoding import encode as encode
    from .group_trainer import GroupTrainer as GroupTrainer
    from .method import Job as Job
    from .method import Method as Method

_PLACES = {
    "Encoded": "encoding",
    "EncodedGroup": "encoding",
    "GroupTrainer": "group_trainer",
    "Job": "method",
    "Method": "method",
    "TrainingConfig": "config",
    "encode": "encoding",
}
__all__ = list(_PLACES)
__getattr__ = on_use(__name__, _PLACES)
