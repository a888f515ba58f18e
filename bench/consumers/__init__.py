"""What groups of consumers cost, how late they are, and how many events they handle: `python -m bench.consumers`."""
