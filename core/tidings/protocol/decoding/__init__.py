"""Precise errors for JSON that does not have the expected form."""
