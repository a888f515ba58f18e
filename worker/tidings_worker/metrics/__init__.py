"""Metrics of a worker, and the port that serves them."""
