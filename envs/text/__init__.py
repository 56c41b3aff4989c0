"""Texts and messages, made safe, compared, and read from files and written to them."""
