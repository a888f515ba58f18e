"""Child processes of a command: whether and when they start again, and groups of equal ones."""
