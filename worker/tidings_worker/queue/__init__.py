"""One queue as a worker serves it: its slots, schedule, leases and recurring jobs."""
