"""The command `tidings top`."""
