"""The streams of jobs in the store: how they are written and read."""
