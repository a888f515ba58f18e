"""The chronicle: the jobs that ended last, as `lua/lib/events/history.lua` writes them, followed and kept in memory.

A reader asks each partition for what is new since it asked last. What it holds is bounded as the chronicle is.
"""

import time
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice

import anyio
import msgspec
from redis.asyncio import Redis

from tidings.protocol.tokens import Token
from tidings.store.keys import StoreKeys
from tidings.store.redis.store_client import command, store_of

READ_AT_ONCE = 500
"""Entries in one answer of the store."""

FORGET_S = 300.0
"""After so long without a request the process releases the jobs, s."""


class FinishedJob(msgspec.Struct):
    """One job that has ended. Times are ms since the epoch, by the store's clock; what is missing is an empty text."""

    id: str
    state: str
    tier: str
    kind: str
    attempt: str
    submitted: str
    enqueued: str
    """The last time."""
    started: str
    """Its last attempt."""
    correlation_id: str
    worker: str
    queue: str = ""
    finished: int = 0
    number: int = 0
    """How many had ended in the queue when it did, itself included."""
    owner: str = ""
    tags: str = ""
    """With a space between each two."""

    @property
    def token(self) -> str:
        """Its token."""
        return str(Token(self.queue, self.id))

    @property
    def wait(self) -> float | None:
        """Seconds from when it was queued the last time until it was taken; None: it never was."""
        if not self.started or not self.enqueued:
            return None
        return max(int(self.started) - int(self.enqueued), 0) / 1000

    @property
    def run(self) -> float | None:
        """Seconds that its last attempt took; None: there was none."""
        return max(self.finished - int(self.started), 0) / 1000 if self.started else None

    @property
    def total(self) -> float:
        """Seconds from its submission to its end."""
        return max(self.finished - int(self.submitted), 0) / 1000


_decode = msgspec.msgpack.Decoder(list[str]).decode

_SEPARATOR = "\x1f"
_OWNED = "\x1e"
"""Stands before the owner, and before the tags, of a job that has some."""
_PARTS = 10
"""Texts of one job; the last may hold anything."""


def read_finished_jobs(data: bytes, queue: str, at: int, total: int) -> list[FinishedJob]:
    """Return the jobs of one entry: they ended in `queue` at `at` ms, and `total` had by then."""
    records = _decode(data)
    return [_read(record, queue, at, number) for number, record in enumerate(records, total - len(records) + 1)]


def _read(record: str, queue: str, at: int, number: int) -> FinishedJob:
    text, *owned = record.rsplit(_OWNED, 2)
    if len(owned) != 2:  # a job without owner and tags, or of an earlier release
        text, owned = record, ["", ""]
    parts = text.split(_SEPARATOR, _PARTS - 1)
    return FinishedJob(*parts, queue=queue, finished=at, number=number, owner=owned[0], tags=owned[1])  # type: ignore[arg-type, misc]


class _QueueHistory:
    """One partition's."""

    def __init__(self, queue: str, key: str, most: int) -> None:
        self.jobs: deque[FinishedJob] = deque(maxlen=most)
        """Oldest first."""
        self.total = 0
        self._queue = queue
        self._key = key

    async def catch_up(self, store: Redis) -> None:
        newest = await command(store, "XREVRANGE", self._key, "+", "-", "COUNT", 1)
        total = _number(newest[0][0]) if newest else 0
        if total < self.total:  # the store has lost its data, or is a new one
            self.jobs.clear()
            self.total = 0
        while self.total < total:
            found = await command(store, "XRANGE", self._key, f"({self.total}-0", "+", "COUNT", READ_AT_ONCE)
            for entry, fields in found:
                self.total = _number(entry)
                self.jobs.extend(read_finished_jobs(fields[b"jobs"], self._queue, int(fields[b"at"]), self.total))
            if len(found) < READ_AT_ONCE:
                return


class FinishedJobs:
    """The chronicles of all queues."""

    def __init__(self, store: Redis, keys: StoreKeys, most: int) -> None:
        """Begin with nothing.

        Args:
            store: a client of the store.
            keys: the names of the namespace.
            most: jobs of each queue that are held, at the most; 0: none.

        """
        self._store = store
        self._keys = keys
        self._most = most
        self._followed: dict[str, _QueueHistory] = {}
        self._asked = 0.0
        self._turn = anyio.Lock()

    @property
    def kept(self) -> bool:
        """Whether there is one, by this process's settings."""
        return self._most > 0

    async def catch_up(self, queues: Iterable[str]) -> None:
        """Read what is new of some queues, and hold no others.

        One command for each queue and one more for each `READ_AT_ONCE` entries that are new. Of queues on nodes of a
        cluster that do not answer, what was read earlier stays as it is.

        Raises:
            StoreError: the store is unavailable.

        """
        if not self.kept:
            return
        async with self._turn:
            self._asked = time.monotonic()
            wanted = set(queues)
            silent = await store_of(self._store).silent_nodes()
            for gone in self._followed.keys() - wanted:
                del self._followed[gone]
            for queue in sorted(wanted):
                if queue not in self._followed:
                    self._followed[queue] = _QueueHistory(queue, self._keys.chronicle(queue), self._most)
                if not silent.hold(self._keys.chronicle(queue)):
                    await self._followed[queue].catch_up(self._store)

    def forget(self) -> None:
        """Release all jobs if no request has come for long."""
        if self._followed and time.monotonic() - self._asked > FORGET_S:
            self._followed.clear()

    def newest_first(self, queue: str, before: int | None = None) -> Iterator[FinishedJob]:
        """Return the jobs of a queue, the last that ended first; `before`: only those with lower numbers."""
        followed = self._followed.get(queue)
        if followed is None:
            return iter(())
        skipped = 0 if before is None else max(followed.total - before + 1, 0)
        return islice(reversed(followed.jobs), skipped, None)

    def since(self, at_ms: int) -> Iterator[FinishedJob]:
        """Yield the jobs of all queues that ended at a time or later, in no order between queues."""
        for queue in self._followed:
            for job in self.newest_first(queue):
                if job.finished < at_ms:
                    break
                yield job

    def reaches_back(self, queue: str) -> int | None:
        """Return when the oldest ended that is held of a queue, if older ones were dropped; None: all are there."""
        followed = self._followed.get(queue)
        if followed is None or not followed.jobs or followed.jobs[0].number == 1:
            return None
        return followed.jobs[0].finished


def _number(entry: bytes) -> int:
    return int(entry.partition(b"-")[0])
