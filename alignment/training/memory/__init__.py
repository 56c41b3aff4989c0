"""The memory of a GPU that training takes, from the shape of the model."""
