"""Run by test_processes: a stage that several processes replace together."""

import os
import sys
import time
from functools import partial
from pathlib import Path

from rich.console import Console

from social_sandbox.alignment.runtime.processes import is_first, wait_for_all
from social_sandbox.alignment.runtime.stage import Summary, Work, run_stage


def main(folder: Path) -> None:
    """Replace the stage; each process writes the names of the files that it finds at work."""

    def prepare() -> Work[None]:
        if is_first():
            time.sleep(1)
        return work

    def work(stage: Path) -> tuple[Summary, None]:
        names = sorted(path.name for path in stage.iterdir()) if stage.exists() else []
        (folder / f"found_{os.environ['RANK']}").write_text(" ".join(names))
        return {}, None

    run_stage(
        folder / "stage",
        {"a": 2},
        prepare,
        overwrite=True,
        console=Console(quiet=True),
        barrier=partial(wait_for_all, cpu=True),
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
