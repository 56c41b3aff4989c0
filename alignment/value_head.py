"""The former place of the command that fits the observer's head."""

import sys

from .observer.fit import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
