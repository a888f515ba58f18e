"""Logs: their set-up, limits for repeated lines, and text that is safe to print."""
