"""The former place of `social-sandbox observer`, which still runs as `python -m`."""

import sys
from collections.abc import Sequence

from . import cli


def main(argv: Sequence[str] | None = None) -> int:
    """Run `social-sandbox observer` with these arguments; return the exit code."""
    return cli.main(["observer", *(sys.argv[1:] if argv is None else argv)])


if __name__ == "__main__":
    sys.exit(main())
