"""Figures of a run as data, which the page draws."""
