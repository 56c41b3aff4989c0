"""Weights: adapters, checkpoints, checks of a loaded model, and the trained model as files."""
