"""Sagas: steps that are recorded, replayed and compensated."""
