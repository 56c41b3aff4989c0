"""The training of language models on rated groups."""

from .config import TrainingConfig
from .encoding import Encoded, EncodedGroup, encode
from .group_trainer import GroupTrainer
from .method import Job, Method

__all__ = [
    "Encoded",
    "EncodedGroup",
    "GroupTrainer",
    "Job",
    "Method",
    "TrainingConfig",
    "encode",
]
