"""What one would write to tell a browser of its jobs without Tidings: a queue, a WebSocket server and pub/sub between.

It runs in environments of its own (`bench/requirements-*.txt`), and imports nothing of the harness.
"""
