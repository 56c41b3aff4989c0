"""Benchmarks: what is asked, how a model is asked, what it got, and how models compare."""
