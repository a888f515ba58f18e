"""The frames and bodies that travel between clients, servers and operators."""
