"""Run by test_processes: the command line of the arguments, two times."""

import sys

from social_sandbox.alignment.cli import main

if __name__ == "__main__":
    arguments = sys.argv[1:]  # Hydra replaces them
    sys.exit(main(arguments) or main(arguments))
