"""The command `tidings bench`."""
