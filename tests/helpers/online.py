"""A small online job: a tiny model, two questions, and settings that take seconds."""

import json
from pathlib import Path
from typing import Any

from .tiny import tiny_llama

SETTINGS = [
    "observer=scripted",
    "embedder=hashing",
    "wandb=disabled",
    "progress=false",
    "n_worlds=1",
    "env.grid_size=2",
    "env.n_rounds=1",
    "env.n_peers=0",
    "method.max_steps=2",
    "method.device=cpu",
    "method.bf16=false",
    "evaluate.samples=1",
    "evaluate.max_new_tokens=8",
    "evaluate.questions=questions.jsonl",
    "evaluate.resamples=100",
    "cycles=2",
    "output_dir=out",
]


def write_inputs(tokenizer: Any) -> None:
    """Write a tiny model and held-out questions into the working folder."""
    # Prompts of hundreds of words: positions do not end at 128.
    tiny_llama(len(tokenizer), 4096).save_pretrained("tiny")
    tokenizer.save_pretrained("tiny")
    questions = [{"question": f"how are you {n} ?", "good": "fine", "bad": "go away"} for n in "ab"]
    Path("questions.jsonl").write_text("\n".join(map(json.dumps, questions)))
