"""The push server: socket, server-sent events and HTTP over one inbox for each process."""

from .app import create_app
from .auth.identity import Identity

__all__ = ["Identity", "create_app"]
