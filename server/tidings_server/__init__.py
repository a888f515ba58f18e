"""The push server: socket, server-sent events and HTTP over one inbox for each process."""

from .app import create_app

__all__ = ["create_app"]
