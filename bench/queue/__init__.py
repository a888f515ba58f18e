"""Queues alone, without a socket: where they are at their strongest.

`python -m bench.queue` starts a store, a worker and a client for each system, and compares them.
"""
