"""The push server: socket, server-sent events and HTTP over one inbox for each process."""

from typing import TYPE_CHECKING, Any

from .app import create_app
from .auth.identity import Identity

if TYPE_CHECKING:
    from .local.local_client import local_client

__all__ = ["Identity", "create_app", "local_client"]


def __getattr__(name: str) -> Any:
    """Load the client in the server's own process when it is first asked for: the server itself needs none."""
    if name == "local_client":
        from .local.local_client import local_client  # noqa: PLC0415

        return local_client
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
