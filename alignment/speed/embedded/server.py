"""llama.cpp's server with the embedded model, in a process of its own that prints its address.

In the process of torch, the threads of both would compete in busy waiting.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import as_file
from typing import Any

from social_sandbox.envs.errors import UserError
from social_sandbox.policies.huggingface.smollm2 import gguf_file


@contextmanager
def serving(slots: int) -> Iterator[str]:
    """Run a server that answers `slots` requests at once; the context is its address."""
    command = [sys.executable, "-m", __name__, str(slots)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout
        try:
            for line in process.stdout:
                if line.startswith("http"):
                    yield line.strip()
                    return
            raise UserError("bench: llama.cpp's server did not start")
        finally:
            process.kill()


def start(slots: int = 4, *, embeddings: bool = False, threads: int | None = None) -> Any:
    """Start a server in this process; its address is `.listening_address`.

    Args:
        slots: Number of requests that it answers at once.
        embeddings: Whether it embeds texts, and writes none.
        threads: Number of threads; None: as many as there are cores. Several wait for each other by
            counting, which takes minutes on cores that other programs use, too.
    """
    from xllamacpp import CommonParams, Server, llama_pooling_type

    params = CommonParams()
    with as_file(gguf_file()) as path:
        params.model.path = str(path)
    params.n_parallel, params.n_ctx = slots, slots * 1024
    params.cpuparams.n_threads = threads or len(os.sched_getaffinity(0))
    params.verbosity = -1
    if embeddings:
        params.embedding = True
        params.pooling_type = llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    return Server(params)


def main(slots: int) -> None:
    """Serve until the parent process ends."""
    server = start(slots)
    print(server.listening_address, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(int(sys.argv[1]))
