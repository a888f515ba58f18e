"""What each step of a job costs by itself: the store's scripts, and the worker's attempt."""
