"""`tidings dev`: a store, a server and workers in one command, restarted when code changes."""
