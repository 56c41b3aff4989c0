"""What mkdocs is told to do besides: nothing yet."""
