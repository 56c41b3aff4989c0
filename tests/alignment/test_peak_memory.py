"""The most memory in use is counted anew for every training."""

import sys

import pytest
import torch

from social_sandbox.alignment.peak_memory import peak_bytes, reset_peak

MUCH = 200 * 2**20


@pytest.mark.skipif(sys.platform != "linux" or torch.cuda.is_available(), reason="Linux, CPU")
def test_what_was_freed_before_does_not_count() -> None:
    reset_peak()
    before = peak_bytes()
    held = bytearray(b"x" * MUCH)
    assert peak_bytes() - before >= MUCH
    del held
    reset_peak()
    assert peak_bytes() - before < MUCH / 2
