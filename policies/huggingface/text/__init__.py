"""Conversations and ratings as the tokens of a model: chat templates, control tokens, digits."""
