"""How fast everything is, as ratios of two things measured in one run."""
