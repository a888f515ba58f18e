"""Agents: sagas whose steps are calls of a model and of tools, and whose message is written while they run."""
