"""Settings that several programs share, and the addresses of stores."""
