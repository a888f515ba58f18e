"""The broker: everything that touches the store, and nothing else does."""
