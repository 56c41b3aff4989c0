"""What other libraries print, kept out of the output of the commands."""

import os
import sys
import warnings


def quiet_libraries() -> None:
    """Keep progress bars and advice of libraries out of the output of this program."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    # Some progress bars have no other switch. tqdm reads this one when it is imported.
    os.environ.setdefault("TQDM_DISABLE", "1")
    # Without an import of transformers, which takes seconds.
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    transformers = sys.modules.get("transformers")
    if transformers is not None:
        transformers.logging.set_verbosity_error()
        transformers.logging.disable_progress_bar()
    warnings.filterwarnings("ignore", category=FutureWarning)
