"""One way of training in a process of its own: `python -m ...train_way WAY STEPS` prints JSON.

The peak of memory can be measured in a process that has done nothing else.
"""

import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from time import perf_counter
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback

from social_sandbox.envs.rules.questions import society_questions
from social_sandbox.envs.text.messages import Message
from social_sandbox.policies.huggingface.shared_model import best_dtype, load

from ...data.groups import Candidate, RatedGroup
from ...methods.stable_alignment import StableAlignment, StableAlignmentConfig
from ...runtime.peak_memory import peak_bytes, reset_peak
from ...training.batches.batching import pad
from ...training.batches.encoding import IGNORED, encode
from ...training.train import train

BATCH, LENGTH = 4, 256
"""Groups in a step; tokens of prompt and response at most."""
FIRST = 1
"""Steps before the clock starts, in which threads start and the state of Adam is made."""


def rated_groups(count: int) -> list[RatedGroup]:
    """Return groups of a good answer, a bad answer and half of the good answer to a question."""
    questions = [q for q in society_questions() if q.good and q.bad][:count]
    return [
        RatedGroup(
            id=question.text,
            kind="speed",
            prompt=(Message("user", question.text),),
            candidates=(
                Candidate(question.good, 6.0),
                Candidate(question.good[: len(question.good) // 2], 4.0),
                Candidate(question.bad, 2.0),
            ),
        )
        for question in questions
        if question.good and question.bad
    ]


class Clock(TrainerCallback):  # type: ignore[misc]
    """Records when the first steps and the last step ended."""

    def __init__(self) -> None:
        self.start = self.end = 0.0

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Record the time."""
        self.end = perf_counter()
        if state.global_step == FIRST:
            self.start = self.end


def stable_alignment(
    model: Any, tokenizer: Any, groups: Sequence[RatedGroup], checkpointing: bool = False
) -> float:
    """Train with this project's trainer; return the seconds after the first steps."""
    clock = Clock()
    config = StableAlignmentConfig(
        max_steps=len(groups) // BATCH,
        batch_size=BATCH,
        max_length=LENGTH,
        save_steps=1_000_000,
        gradient_checkpointing=checkpointing,
        device="cpu" if not torch.cuda.is_available() else None,
    )
    with tempfile.TemporaryDirectory() as folder:
        train(
            model,
            tokenizer,
            groups,
            StableAlignment(config),
            folder,
            [clock],
            resume=False,
            progress=False,
        )
    return clock.end - clock.start


def plain(model: Any, tokenizer: Any, groups: Sequence[RatedGroup]) -> float:
    """Train by the formulation of the paper, with full logits and one group at a time."""
    config = StableAlignmentConfig()
    optimizer = torch.optim.AdamW(model.parameters(), lr=config.learning_rate)
    device = next(model.parameters()).device
    bf16 = best_dtype(device) is torch.bfloat16
    start = 0.0
    model.train()
    for step in range(len(groups) // BATCH):
        if step == FIRST:
            start = perf_counter()
        for group in groups[step * BATCH : (step + 1) * BATCH]:
            rows = [encode(tokenizer, group.prompt, c.text, LENGTH) for c in group.candidates]
            ids = pad([row.input_ids for row in rows], 0)
            labels = pad([row.labels for row in rows], IGNORED)
            mask = pad([[1] * len(row.input_ids) for row in rows], 0)
            with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
                logits = model(input_ids=ids.to(device), attention_mask=mask.to(device)).logits
            nll = torch.nn.functional.cross_entropy(
                logits[:, :-1].float().transpose(1, 2),
                labels[:, 1:].to(device),
                reduction="none",
            )
            count = (labels[:, 1:] != IGNORED).sum(1).to(device)
            means = nll.sum(1) / count
            ratings = torch.tensor([c.rating for c in group.candidates], device=device)
            best = int(ratings.argmax())
            margin = config.margin * (ratings[best] - ratings) / 7
            gaps = (means[best] - means + margin)[torch.arange(len(rows), device=device) != best]
            loss = means[best] + config.ratio * gaps.mean().clamp(min=0)
            torch.autograd.backward(loss / BATCH)
        torch.nn.utils.clip_grad_norm_(model.parameters(), config.max_grad_norm)
        optimizer.step()
        optimizer.zero_grad()
    return perf_counter() - start


def dpo(model: Any, tokenizer: Any, groups: Sequence[RatedGroup]) -> float:
    """Train with TRL's DPOTrainer on pairs of the best and the worst answer."""
    from datasets import Dataset
    from trl import DPOConfig, DPOTrainer

    clock = Clock()
    pairs = Dataset.from_list(
        [
            {
                "prompt": [{"role": "user", "content": group.prompt[0].content}],
                "chosen": [{"role": "assistant", "content": group.candidates[0].text}],
                "rejected": [{"role": "assistant", "content": group.candidates[-1].text}],
            }
            for group in groups
        ]
    )
    gpu = torch.cuda.is_available()
    with tempfile.TemporaryDirectory() as folder:
        args = DPOConfig(
            output_dir=folder,
            max_steps=len(groups) // BATCH,
            per_device_train_batch_size=BATCH,
            max_length=LENGTH,
            learning_rate=1e-4,
            bf16=best_dtype(torch.device("cuda" if gpu else "cpu")) is torch.bfloat16,
            gradient_checkpointing=False,
            use_cpu=not gpu,
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
        )
        DPOTrainer(
            model=model,
            args=args,
            train_dataset=pairs,
            processing_class=tokenizer,
            callbacks=[clock],
        ).train()
    return clock.end - clock.start


WAYS: dict[str, Callable[..., float]] = {
    "stable_alignment": stable_alignment,
    "checkpointed": partial(stable_alignment, checkpointing=True),
    "plain": plain,
    "dpo": dpo,
}


def tokens_of(tokenizer: Any, groups: Sequence[RatedGroup], way: str) -> int:
    """Return the number of tokens of prompts and responses that a way reads."""
    sequences = [
        encode(tokenizer, group.prompt, candidate.text, LENGTH)
        for group in groups
        for candidate in (group.candidates[:: 2 if way == "dpo" else 1])
    ]
    return sum(len(row.input_ids) for row in sequences)


def main(way: str, steps: int) -> None:
    """Train in a way and print seconds, groups, tokens and bytes."""
    tokenizer = load(AutoTokenizer, "smollm2")
    model = load(AutoModelForCausalLM, "smollm2", dtype=torch.float32)
    if torch.cuda.is_available():
        model = model.cuda()
    groups = rated_groups((FIRST + steps) * BATCH)
    reset_peak()
    before = peak_bytes(model.device.type)
    seconds = WAYS[way](model, tokenizer, groups)
    timed = groups[FIRST * BATCH :]
    result = {
        "seconds": seconds,
        "groups": len(timed),
        "tokens": tokens_of(tokenizer, timed, way),
        "bytes": peak_bytes(model.device.type) - before,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
