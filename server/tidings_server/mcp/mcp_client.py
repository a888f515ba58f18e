"""The client of one request: who it is, where it comes from, what it knows of the protocol."""

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any, NamedTuple

from mcp.server.context import ServerRequestContext
from mcp.server.session import ServerSession
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from tidings_server.auth.identity import Identity

CLIENT = "tidings.client"
"""Under which the ASGI scope of a request holds its `KnownClient`."""


class KnownClient(NamedTuple):
    """What the server has found out of a client before the SDK takes the request over."""

    identity: Identity
    caller: str
    """Whose jobs count as its own in a queue."""
    address: str
    leave: ExitStack
    """Undone when the answer has been sent, or the client has gone."""


class McpClient:
    """The client of one request."""

    def __init__(self, context: ServerRequestContext[Any, Any]) -> None:
        assert context.request is not None
        self.known: KnownClient = context.request.scope[CLIENT]
        self.headers: Mapping[str, str] = context.request.headers
        self.session: ServerSession = context.session
        self.version: str = context.protocol_version
        self.request_id = context.request_id
        self.meta: Mapping[str, Any] = context.meta or {}

    @property
    def identity(self) -> Identity:
        """Who it is, and what it may do."""
        return self.known.identity

    @property
    def modern(self) -> bool:
        """Whether each of its requests stands for itself, says what the client can do, and ends with its connection."""
        return self.version in MODERN_PROTOCOL_VERSIONS

    def declares(self, extension: str) -> bool:
        """Return whether this request declares an extension."""
        capabilities = self.session.client_capabilities
        return self.modern and capabilities is not None and extension in (capabilities.extensions or {})
