"""An adapter for each role: its settings, its data, its weights and its training."""
