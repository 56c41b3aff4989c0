"""Tracking in wandb: the run, its rows, metrics, media and artifacts."""
