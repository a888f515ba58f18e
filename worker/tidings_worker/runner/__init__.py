"""Where handlers run: in the event loop, in threads and in child processes."""
