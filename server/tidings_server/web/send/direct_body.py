"""The body of an HTTP response that is written without a task, where the server's own HTTP protocol offers it.

An ASGI application needs a task for each response that lasts, and each piece of its body passes the coroutines of every
middleware. A response that finds the extension in its scope has its head sent as ever, and then writes its body by
plain calls: all that came in one turn of the event loop leaves in one write, and whether the reader keeps up is known
without waiting for it.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Protocol

DIRECT_BODY_EXTENSION = "tidings.direct_body"
"""Under this name the ASGI scope's `extensions` hold the function that begins such a body (`BeginBody`)."""


class BodyOwner(Protocol):
    """The response whose body it is."""

    def resumed(self) -> None:
        """Go on: the client has read."""

    def lost(self) -> None:
        """Take note that the client has gone; called once, unless the body has ended before."""


class DirectBody(ABC):
    """The body of one response."""

    __slots__ = ()

    @abstractmethod
    def open(self, owner: BodyOwner) -> None:
        """Call `owner` back from now on; the head must have been sent, in the way of ASGI."""

    @property
    @abstractmethod
    def writable(self) -> bool:
        """Whether the client keeps up; a client that does not read for long is dropped by the connection."""

    @abstractmethod
    def write(self, data: bytes) -> None:
        """Write a piece, the first one together with the head; without effect where the client has gone."""

    @abstractmethod
    def end(self, data: bytes) -> None:
        """Write the last piece, which may be empty, and let the connection go on to the next request."""

    @abstractmethod
    def abort(self) -> None:
        """Drop the connection: the response is not whole."""


BeginBody = Callable[[], DirectBody | None]
"""Begins the body of the response to the request: called before its head is sent, which then waits for the first piece.
None: this response can only be sent as ASGI has it."""
