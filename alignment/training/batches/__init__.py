"""Batches: prompts and responses as tokens, in an order, padded or packed into tensors."""
