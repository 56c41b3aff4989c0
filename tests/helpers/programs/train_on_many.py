"""Trains on very many groups for a step and prints the peak of memory; for test_stored."""

import string
import sys
from collections.abc import Iterator
from pathlib import Path

from social_sandbox.alignment.data.groups import Candidate, RatedGroup, write_groups
from social_sandbox.alignment.data.storage import stored
from social_sandbox.alignment.data.validation import check_groups
from social_sandbox.alignment.methods.stable_alignment import StableAlignment
from social_sandbox.alignment.runtime.peak_memory import peak_bytes, reset_peak
from social_sandbox.alignment.training.batches.lengths import measure_lengths
from social_sandbox.alignment.training.train import train
from social_sandbox.envs.text.messages import Message

from ..tiny import tiny_llama, tiny_tokenizer
from .train_in_processes import SETTINGS


def many(count: int, length: int = 300) -> Iterator[RatedGroup]:
    for number in range(count):
        word = "".join(string.ascii_lowercase[int(digit)] for digit in str(number))
        yield RatedGroup(
            id=f"group_{number}",
            kind=("imitation", "self_critic", "realignment")[number % 3],
            prompt=(Message("user", f"how are you {word} " + "please " * (length // 7)),),
            candidates=tuple(
                Candidate(f"{word} i am fine {rating} " + "thank " * (length // 6), float(rating))
                for rating in (7, 4, 1)
            ),
        )


def main(count: int, folder: Path) -> None:
    """Write the groups, read them as the stage of training does, and train."""
    import dataclasses

    stored.IN_MEMORY = 0
    file = folder / f"{count}.jsonl"
    write_groups(file, many(count))
    tokenizer = tiny_tokenizer()
    config = dataclasses.replace(SETTINGS, max_steps=1, batch_size=2)
    method = StableAlignment(config)
    # Once with few groups: what libraries allocate on their first use is no growth.
    write_groups(folder / "few.jsonl", many(20))
    for path, output in ((folder / "few.jsonl", "few"), (file, f"out_{count}")):
        groups = stored.open_groups(path)
        reset_peak()
        check_groups(groups, "groups")
        measure_lengths(groups, tokenizer, config.max_length)
        model = tiny_llama(len(tokenizer))
        train(model, tokenizer, groups, method, folder / output, progress=False)
    print(peak_bytes("cpu"))


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
