"""What deliveries to webhooks cost, how fast they are, and how many a worker makes: `python -m bench.webhooks`."""
