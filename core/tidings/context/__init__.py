"""What a handler is given: its context, for coroutines and for threads, and the results of `once`."""
