"""The stages, a file each: a stage reads what those before it made, and records what it made."""
