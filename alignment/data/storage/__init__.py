"""Groups that stay in their file, and data that waits on the disk."""
