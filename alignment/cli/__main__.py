"""Run the command line as `python -m social_sandbox.alignment.cli`."""

import sys

from .commands import main

if __name__ == "__main__":
    sys.exit(main())
