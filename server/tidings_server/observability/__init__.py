"""Metrics, logs and statistics of a server."""
