"""A real OpenAI-compatible server of the tests' own: llama.cpp with the embedded model."""

import os
from importlib.resources import as_file
from typing import Any

from xllamacpp import CommonParams, Server, llama_pooling_type

from social_sandbox.policies.smollm2 import gguf_file


def start(slots: int = 4, *, embeddings: bool = False) -> Any:
    """The running server; `.listening_address` is where."""
    params = CommonParams()
    with as_file(gguf_file()) as path:
        params.model.path = str(path)
    params.n_parallel = slots
    params.n_ctx = slots * 1024
    params.cpuparams.n_threads = os.cpu_count() or 2
    params.verbosity = -1
    if embeddings:
        params.embedding = True
        params.pooling_type = llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    return Server(params)
