"""The timers of one connection: one for each reason to wait."""

from asyncio import AbstractEventLoop, TimerHandle
from collections.abc import Callable
from enum import Enum, auto
from typing import Any


class Wait(Enum):
    """What a connection waits for."""

    HEAD = auto()
    """The head of a request; after a refusal, that the client has read it."""
    BODY = auto()
    """The rest of a body."""
    READER = auto()
    """A client that does not read."""


class ConnectionTimers:
    """The waits of one connection that have an end."""

    __slots__ = ("_loop", "_running")

    def __init__(self, loop: AbstractEventLoop) -> None:
        self._loop = loop
        self._running: dict[Wait, TimerHandle] = {}

    def start(self, wait: Wait, within_s: float, call: Callable[..., object], *args: Any) -> None:
        """Call something when a wait has lasted for some seconds; a timer that runs for the same wait is replaced."""
        self.stop(wait)
        self._running[wait] = self._loop.call_later(within_s, call, *args)

    def stop(self, wait: Wait) -> None:
        """Wait no more; without a timer nothing happens."""
        handle = self._running.pop(wait, None)
        if handle is not None:
            handle.cancel()

    def stop_all(self) -> None:
        """Wait for nothing any more."""
        for wait in list(self._running):
            self.stop(wait)

    def runs(self, wait: Wait) -> bool:
        """Return whether a timer runs for a wait."""
        return wait in self._running
