"""The streams of a job as a client follows them."""
