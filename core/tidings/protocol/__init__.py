"""The contract: what clients, servers and workers may rely on. No I/O, and nothing but msgspec."""
