"""What norms see in an answer: its sentences, commands, refusals and language."""
