"""A tiny model in memory that speaks in societies."""

from typing import Any

from social_sandbox.policies.huggingface import InMemoryPolicy

from .tiny import tiny_llama, tiny_tokenizer


def tiny_speaker(positions: int = 512, **settings: Any) -> InMemoryPolicy:
    """Return a policy over a random model with room for prompts of revisions."""
    tokenizer = tiny_tokenizer()
    model = tiny_llama(len(tokenizer), positions)
    return InMemoryPolicy(model, tokenizer, **{"max_new_tokens": 6, **settings})
