"""The sandbox: the rules of the society, and its PettingZoo faces."""

from pettingzoo import aec_registry, parallel_registry, register

from . import sandbox_v0
from .errors import UserError
from .interactions import Interaction, read_interactions, write_interactions
from .memory import Embedder, HashingEmbedder
from .messages import Message
from .questions import Question, held_out_questions, read_questions, society_questions
from .spaces import UnicodeText
from .translate import to_action
from .turns import Phase, Turn, Utterance
from .world import World
from .world_config import WorldConfig

__all__ = [
    "Embedder",
    "HashingEmbedder",
    "Interaction",
    "Message",
    "Phase",
    "Question",
    "Turn",
    "UnicodeText",
    "UserError",
    "Utterance",
    "World",
    "WorldConfig",
    "held_out_questions",
    "read_interactions",
    "read_questions",
    "sandbox_v0",
    "society_questions",
    "to_action",
    "write_interactions",
]

_ID = "social_sandbox/sandbox-v0"

# PettingZoo warns when an id is registered again, as a reload of this module would.
if _ID not in aec_registry:
    register("aec", _ID, "social_sandbox.envs.sandbox_v0:env")
if _ID not in parallel_registry:
    register("parallel", _ID, "social_sandbox.envs.sandbox_v0:parallel_env")
