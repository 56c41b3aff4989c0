"""Makes data of very many groups, exports it, selects pairs and prints the peak of memory."""

import sys
from pathlib import Path

from social_sandbox.alignment.data.config import DataConfig, SourceConfig
from social_sandbox.alignment.data.export import ExportConfig, export_groups
from social_sandbox.alignment.data.groups import write_groups
from social_sandbox.alignment.data.sources import read_sources
from social_sandbox.alignment.data.storage import on_disk, stored
from social_sandbox.alignment.data.validation import check_groups
from social_sandbox.alignment.methods.dpo import Dpo
from social_sandbox.alignment.runtime.peak_memory import peak_bytes, reset_peak
from social_sandbox.alignment.training.trl import dataset

from .train_on_many import many


def main(count: int, folder: Path) -> None:
    """Go from a file of groups to the rows of a trainer."""
    stored.IN_MEMORY, on_disk.CACHE = 0, 2**20
    # Once with few groups: what libraries allocate on their first use is no growth.
    for n in (200, count):
        path = folder / f"{n}.jsonl"
        write_groups(path, many(n))
        reset_peak()
        source = SourceConfig(kind="groups", path=str(path))
        groups, _ = read_sources(DataConfig(sources=(source,)))
        check_groups(groups, "groups")
        made = folder / f"{n}_made.jsonl"
        write_groups(made, groups)
        export_groups(stored.open_groups(made), ExportConfig(test_share=0.1), folder / f"{n}", "")
        pairs = Dpo().select(stored.open_groups(made)).examples
        dataset({"chosen": pair.chosen.text, "ids": [1] * 300} for pair in pairs)
    print(peak_bytes("cpu"))


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
