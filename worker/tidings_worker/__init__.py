"""The worker: takes jobs from the queues, runs them, and records how they end."""
