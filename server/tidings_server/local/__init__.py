"""Clients in the server's own process: the frames of the protocol without a socket."""
