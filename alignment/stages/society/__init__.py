"""The worlds of a run: who plays them, in which shards, and how shards become one simulation."""
