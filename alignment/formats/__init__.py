"""Formats of training data: each file reads one into rated groups, and writes it where it can."""
