"""Logs in the format of Inspect (inspect.aisi.org.uk): a sample for each interaction or answer."""
