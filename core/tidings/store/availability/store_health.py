"""A process's health with its store: every call's fate comes by here, and is logged once, not every time."""

import time
from collections.abc import Callable
from typing import Any

import structlog

from tidings.settings.key_prefix import DEFAULT_KEY_PREFIX, show_patterns

from .downtime import Downtime
from .outage import Outage
from .store_errors import CommandDeniedError, StoreError, StoreFullError, StoreUnavailableError

log: structlog.typing.FilteringBoundLogger = structlog.get_logger()


DISPENSABLE = frozenset({"CONFIG", "CONFIG GET", "FCALL", "FUNCTION", "INFO"})
"""Commands that a process does without, where its user may not use them."""


SCRIPTS = ("FCALL", "EVALSHA", "EVAL")
"""The ways to run a script."""


def log_warning(event: str, **fields: object) -> None:
    """Write what people need to know to the log."""
    log.warning(event, **fields)


def log_nothing(event: str, **fields: object) -> None:
    """Keep it to oneself: for a command whose own errors say it all."""


class StoreHealth:
    """What one process knows of how its store is; all its clients of the store share one."""

    def __init__(
        self,
        *,
        max_downtime_s: float = float("inf"),
        tell: Callable[..., None] = log_warning,
        clock: Callable[[], float] = time.monotonic,
        key_prefix: str = DEFAULT_KEY_PREFIX,
    ) -> None:
        """Begin.

        Args:
            max_downtime_s: how long the store may be silent before `downtime` takes note, s.
            tell: gets the name of an event and its fields.
            clock: seconds, never going back.
            key_prefix: what stands before every key and channel of the installation.

        """
        self.max_downtime_s: float = max_downtime_s
        self.downtime: Downtime = Downtime(max_downtime_s)
        self.downtime_of: Callable[[str], Downtime] = lambda _: self.downtime
        """Returns the downtime of what holds a key: in a cluster, of a node."""
        self.nodes: dict[tuple[str, int], StoreHealth] = {}
        """In a cluster, the health of each node."""
        self.counts = True
        """Of a node: whether it holds keys."""
        self.clock = clock
        self.tell = tell
        self.key_prefix = key_prefix
        self._loss = Outage()
        self._want = Outage()
        """Of memory: the store answers, and takes no more."""
        self._refused: tuple[Any, ...] = ()
        self._primary: tuple[str, int] | None = None
        """The one that took the place of another, if there ever was one."""
        self.denied: dict[str, str] = {}
        """Commands that the store's user may not use, or not with the keys or channels of Tidings → what it said."""

    @property
    def lost(self) -> bool:
        """Whether the store did not answer when it was asked last; of a cluster: no node that holds keys did."""
        holding = [node.lost for node in self.nodes.values() if node.counts]
        return self._loss.lasts or (bool(holding) and all(holding))

    def answered(self, call: tuple[Any, ...]) -> None:
        """Take note that the store answered.

        Args:
            call: what makes one call the same as another: the command and its first argument.

        """
        now = self.clock()
        self.downtime.heard(now)
        if self._loss.lasts:
            over = self._loss.succeeded(now)
            if over is not None:
                self.tell("store_back", seconds=round(over.seconds, 3), failed_calls=over.failures)
        if self.denied and call:
            # A script that ran in one way needs no permission to run in the others.
            for command in SCRIPTS if call[0] in SCRIPTS else (call[0],):
                if self.denied.pop(command, None) is not None:
                    self.tell("store_permits", command=command)
        # A full store goes on answering whatever needs no memory: only what it refused can tell.
        if self._want.lasts and call == self._refused:
            over = self._want.succeeded(now)
            if over is not None:
                self.tell("store_has_room", seconds=round(over.seconds, 3), refused_calls=over.failures)

    def failed(self, call: tuple[Any, ...], error: StoreError) -> None:
        """Take note that a call failed."""
        if isinstance(error, StoreUnavailableError):
            if self._loss.failed(self.clock()):
                self.tell("store_lost", error=str(error))
            return
        self.answered(())
        if isinstance(error, CommandDeniedError):
            self._deny(call, error)
        if isinstance(error, StoreFullError):
            if not self._want.lasts:
                self._refused = call
            if self._want.failed(self.clock()):
                self.tell("store_full", error=str(error))

    def moved(self, address: tuple[str, int]) -> None:
        """Take note that another store answers from now on, as sentinels say; each of a process's clients says so.

        It may lack the last heartbeats: every worker gets one lease to show that it lives.
        """
        self.downtime.interrupted(self.clock())
        if address != self._primary:
            self._primary = address
            self.tell("store_moved", primary=f"{address[0]}:{address[1]}")

    def _deny(self, call: tuple[Any, ...], error: StoreError) -> None:
        command = str(call[0]) if call else ""
        if command in DISPENSABLE or command in self.denied:
            return
        self.denied[command] = str(error)
        self.tell(
            "store_denies",
            command=command,
            error=str(error),
            help="grant the store's user what docs/how-to/production.md lists: "
            f"{show_patterns(self.key_prefix)}, commands",
        )
