"""Streams: what a chunk costs on its way from a handler to a client, beside what one would build without Tidings."""
