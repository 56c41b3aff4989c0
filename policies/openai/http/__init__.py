"""Requests over HTTP: servers and their limits, retries, failures in plain words, and replies."""
