"""The losses, the likelihoods that they need, and what is measured of them."""
