"""The rules of a society: its world, grid, turns, memories and records."""
