"""How fast the embedded model plays and learns, beside other ways to do the same."""
