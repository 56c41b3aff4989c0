"""`social-sandbox show`: what is in a run, as text in a terminal."""
