"""How an attempt ends: outcomes, errors of handlers, and the texts about them."""
