"""Peaks of memory of programs that run in processes of their own."""

import subprocess
import sys
from pathlib import Path


def growth(module: str, few: int, many: int, folder: Path) -> int:
    """Return how many bytes more a program's peak is with many things than with few.

    The program takes a number and a folder, and prints its peak last.
    """
    peaks = []
    for count in (few, many):
        done = subprocess.run(
            [sys.executable, "-m", module, str(count), str(folder)],
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        peaks.append(int(done.stdout.split()[-1]))
    return peaks[1] - peaks[0]
