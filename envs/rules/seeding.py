"""Keyed randomness: every draw has a name, so that no draw depends on the order of the others."""

import hashlib

import numpy as np


def key(*parts: object) -> int:
    """Return a 63-bit integer that depends only on the parts (integers and strings)."""
    text = "\x1f".join(f"{type(part).__name__}:{part}" for part in parts)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest()) >> 1


def generator(*parts: object) -> np.random.Generator:
    """Return a random generator for the draw that the parts name."""
    return np.random.default_rng(key(*parts))
