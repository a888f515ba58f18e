"""Whether a changed kind still takes what was queued, and still gives what its readers expect."""
