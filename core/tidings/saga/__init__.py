"""Sagas in the library: the protocol of the orchestrator, and the errors of steps."""
