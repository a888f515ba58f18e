"""How commands, arguments and texts are written for the store, and read from it."""
