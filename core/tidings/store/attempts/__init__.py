"""Calls of the store about attempts: take, start, report and release them."""
