"""Policies: the agents that speak in a society, and the functions that play societies.

A policy answers a batch of turns with as many utterances (`Policy`). Any function or object of
your own can play, too (`as_policy`). `rollout` plays one or several worlds to their end:

    >>> from social_sandbox.envs import RATED_PHASES, Turn, World, WorldConfig
    >>> from social_sandbox.policies import Population, ScriptedPolicy, rollout
    >>> def polite(turn: Turn) -> str:
    ...     if turn.phase in RATED_PHASES:
    ...         return "Rating: 6 ### Reason: It could be kinder."
    ...     return f"With respect: {turn.question}"
    >>> rules = WorldConfig(grid_size=2, n_rounds=1)
    >>> worlds = [World(rules, seed=seed, name=f"world_{seed}") for seed in range(2)]
    >>> interactions = rollout(worlds, Population(social=polite, observer=ScriptedPolicy()))
    >>> len(interactions), interactions[0].draft.policy, interactions[0].mean_rating
    (8, 'polite', 6.0)

`simulate` does the same with a folder, in which every utterance is recorded and an interrupted
simulation resumes. The policies of this project:

- `ScriptedPolicy`: stock phrases and random ratings, without a model.
- `AttentivePolicy`: a toy that rates by simple rules, without a model; see `SoloEnv`.
- `HumanPolicy`: a person at the terminal.
- `social_sandbox.policies.huggingface.HuggingFacePolicy`: a local language model, in batches.
- `social_sandbox.policies.openai.OpenAIPolicy`: a server with an OpenAI-compatible API.
- `social_sandbox.policies.value_model.ValueModelPolicy`: a small model that only rates.

`social_sandbox.policies.testing.check_policy` tests a policy of your own. Importing this package
loads no language model library.
"""

from social_sandbox.envs.moved import moved

from .adapt import as_policy
from .attentive import AttentivePolicy
from .human import HumanPolicy
from .observer import rate
from .policy import AsyncPolicy, Policy
from .scripted import ScriptedPolicy
from .society import solo
from .society.account import Account, Budget, BudgetReached
from .society.population import Player, Population
from .society.rollout import rollout
from .society.simulate import simulate
from .society.solo import SoloEnv

__all__ = [
    "Account",
    "AsyncPolicy",
    "AttentivePolicy",
    "Budget",
    "BudgetReached",
    "HumanPolicy",
    "Player",
    "Policy",
    "Population",
    "ScriptedPolicy",
    "SoloEnv",
    "as_policy",
    "rate",
    "rollout",
    "simulate",
]

solo.register()

# Where the modules of version 0.1.0 are now.
moved(
    __name__,
    {
        "account": "society.account",
        "api_client": "openai.http.client openai.config openai.http.errors",
        "batches": "huggingface.batches",
        "chat_template": "huggingface.text.chat_template",
        "letter_logprobs": "openai.letter_logprobs",
        "population": "society.population",
        "prefixes": "huggingface.prefixes huggingface.attention",
        "rating_forms": "openai.rating_forms",
        "rating_tokens": "huggingface.text.rating_tokens",
        "ratings": "prompts.ratings",
        "sampling": "huggingface.sampling",
        "sentences": "prompts.sentences",
        "shared_model": "huggingface.shared_model",
        "smollm2": "huggingface.smollm2",
        "solo": "society.solo",
    },
)
