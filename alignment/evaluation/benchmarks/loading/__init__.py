"""Benchmark files: where they lie, what their fields are called, and the items in them."""
