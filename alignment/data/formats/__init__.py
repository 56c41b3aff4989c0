"""Formats of training data: a module for each, which reads rows or writes them."""
