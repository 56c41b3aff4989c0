"""What the page says about a run as a whole."""
