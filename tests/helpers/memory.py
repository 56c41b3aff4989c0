"""Peaks of memory of programs that run in processes of their own."""

import os
import subprocess
import sys
from pathlib import Path

FIXED_THRESHOLD = {"MALLOC_MMAP_THRESHOLD_": str(2**20)}
"""Left to itself, glibc raises it with each large buffer that is freed, and the peak changes."""


def growth(module: str, few: int, many: int, folder: Path) -> int:
    """Return how many bytes more a program's peak is with many things than with few.

    The program takes a number and a folder, and prints its peak last.
    """
    peaks = []
    for count in (few, many):
        done = subprocess.run(
            [sys.executable, "-m", module, str(count), str(folder)],
            cwd=Path(__file__).parents[2],
            env=os.environ | FIXED_THRESHOLD,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        peaks.append(int(done.stdout.split()[-1]))
    return peaks[1] - peaks[0]
