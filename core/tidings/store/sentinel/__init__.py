"""Sentinels: who the primary is, asked of several and decided by most."""
