"""How often each process copies a large value: `python -m bench.copies`."""
