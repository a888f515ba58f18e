"""The file of callers as a process uses it: read at its start, and again when an operator has changed it."""

import os
from collections.abc import Callable, Mapping

import anyio
import anyio.to_thread
import structlog

from .caller_file import CALLERS_VARIABLE, CallerWebhook, read_callers

log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

LOOK_EVERY_S = 2.0
"""How often a process looks whether the file has changed."""

FileStamp = tuple[int, int, int]
"""When it was changed (ns), its size, its inode: a secret that an orchestrator mounts is exchanged as a whole."""


class CallerReload:
    """The callers of one process."""

    def __init__(self, path: str, use: Callable[[Mapping[str, CallerWebhook]], None] | None = None) -> None:
        """Read the file.

        Args:
            path: the file; empty: there is none, and `run` returns at once.
            use: is given what the file holds, now and after each change. What it raises as a ValueError means that the
                process goes on with what it had.

        Raises:
            ValueError: the file cannot be read, or `use` refused it.

        """
        self._path = path
        self._use = use
        self._stamp = _stamp(path)
        self.callers: Mapping[str, CallerWebhook] = {}
        """Owner → what the file says of it."""
        self._take(read_callers(path))

    async def run(self, every_s: float = LOOK_EVERY_S) -> None:
        """Look for changes until cancelled."""
        while self._path:
            await anyio.sleep(every_s)
            await self.look()

    async def look(self) -> None:
        """Read the file, if it has changed; one that is wrong, or away, leaves what the process has."""
        stamp = await anyio.to_thread.run_sync(_stamp, self._path)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._take(await anyio.to_thread.run_sync(read_callers, self._path))
        except ValueError as error:
            log.error(  # noqa: TRY400 - the message names the place in the file
                "webhook_callers_refused", error=str(error), help="this process goes on with what the file held before"
            )
        else:
            log.info("webhook_callers_read", variable=CALLERS_VARIABLE, owners=len(self.callers))

    def _take(self, callers: Mapping[str, CallerWebhook]) -> None:
        if self._use is not None:
            self._use(callers)
        self.callers = callers


def _stamp(path: str) -> FileStamp | None:
    """Return what changes when the file is written or exchanged; None: it is not there, or cannot be looked at."""
    try:
        found = os.stat(path)  # noqa: PTH116 - of a path that is empty too
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
