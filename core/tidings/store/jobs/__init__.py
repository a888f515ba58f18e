"""Calls of the store about jobs: build, submit, read, list and forget them."""
