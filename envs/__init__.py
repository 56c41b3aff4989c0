"""The environment: a society of agents on a grid who answer questions and rate the answers.

In every round each social agent is asked a question and goes through one Back-Scatter: it drafts an
answer, neighbours on the grid give feedback, it revises the answer, and observers rate the draft
and the revision (arXiv 2305.16960, section 3.1). No language model runs in this package: the caller
says what the agents say. The package needs no torch.

`World` is the state machine of one society. It lists the turns that can be answered now and takes
an utterance for each:

    >>> from social_sandbox.envs import RATED_PHASES, Utterance, World, WorldConfig
    >>> world = World(WorldConfig(grid_size=2, n_rounds=1), seed=0)
    >>> while not world.done:
    ...     for turn in world.pending():
    ...         rating = 5.0 if turn.phase in RATED_PHASES else None
    ...         interaction = world.submit(turn.id, Utterance(f"Be kind, {turn.subject}.", rating))
    >>> len(world.interactions)
    4
    >>> world.interactions[0].revision.text, world.interactions[0].rating("alignment", "revision")
    ('Be kind, social_0.', 5.0)

The same society is a PettingZoo environment, with one agent at a time (`sandbox_v0.env`) or all
agents at once (`sandbox_v0.parallel_env`):

    >>> from social_sandbox.envs import sandbox_v0, to_action
    >>> env = sandbox_v0.env(grid_size=2, n_rounds=1)
    >>> env.reset(seed=0)
    >>> for agent in env.agent_iter():
    ...     observation, reward, terminated, truncated, info = env.last()
    ...     env.step(None if terminated else to_action(Utterance("Be kind.", rating=5.0)))
    >>> len(env.world.interactions)
    4

Both also come from PettingZoo's registry: `pettingzoo.make("aec", "social_sandbox/sandbox-v0")` or
`pettingzoo.make("parallel", ...)`. The module `social_sandbox.envs.sandbox` documents observations,
actions and rewards; `WorldConfig` lists the rules that a society may choose.
"""

from pettingzoo import aec_registry, parallel_registry, register

from . import sandbox_v0
from .errors import UserError
from .moved import moved
from .rules.interactions import Interaction, read_interactions, write_interactions
from .rules.memory import Embedder, HashingEmbedder
from .rules.questions import Question, held_out_questions, read_questions, society_questions
from .rules.turns import RATED_PHASES, Opinion, Phase, Recollection, Tokens, Turn, Utterance
from .rules.world import World
from .rules.world_config import WorldConfig
from .spaces.text_space import UnicodeText
from .spaces.translate import to_action
from .text.messages import Message

__all__ = [
    "RATED_PHASES",
    "Embedder",
    "HashingEmbedder",
    "Interaction",
    "Message",
    "Opinion",
    "Phase",
    "Question",
    "Recollection",
    "Tokens",
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

# Where the modules of version 0.1.0 are now.
moved(
    __name__,
    {
        "back_scatter": "rules.back_scatter",
        "changed_words": "text.changed_words",
        "combined": "rules.combined",
        "file_kinds": "text.file_kinds",
        "grid": "rules.grid",
        "interactions": "rules.interactions",
        "jsonl": "text.jsonl",
        "memory": "rules.memory",
        "messages": "text.messages",
        "pareto": "rules.pareto",
        "questions": "rules.questions",
        "seeding": "rules.seeding",
        "state": "spaces.state",
        "text_space": "spaces.text_space",
        "texts": "text.texts",
        "thoughts": "text.thoughts",
        "translate": "spaces.translate",
        "turns": "rules.turns",
        "world": "rules.world",
        "world_config": "rules.world_config",
        "world_log": "rules.world_log",
    },
)

_ID = "social_sandbox/sandbox-v0"

# PettingZoo warns about an id that is registered twice, which a reload of this module would do.
if _ID not in aec_registry:
    register("aec", _ID, "social_sandbox.envs.sandbox_v0:env")
if _ID not in parallel_registry:
    register("parallel", _ID, "social_sandbox.envs.sandbox_v0:parallel_env")
