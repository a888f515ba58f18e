"""Streams as handlers write them: what a job says while it works, as a part of its answer."""
