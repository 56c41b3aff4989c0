"""Training and generation with models of random weights, whose size is that of published models.

Neither speed nor memory depends on what the weights know.
"""
