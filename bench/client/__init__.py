"""What the Python clients do and cost: `python -m bench.client`."""
