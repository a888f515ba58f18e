"""Metrics: counted into plain lists where the work is done, and made into Prometheus' form when they are asked for."""
