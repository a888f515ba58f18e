"""Writes that replicas have before their callers are told."""
