"""The jobs of an owner, newest first, over all partitions; and the removal of one that has ended."""

import msgspec
from redis.asyncio import Redis

from tidings.protocol.tokens import Token
from tidings.store.answers import ForgetAnswer
from tidings.store.availability.store_errors import ItemError
from tidings.store.keys import StoreKeys
from tidings.store.redis.script import Script
from tidings.store.redis.store_client import command

LOOK = 1_000
"""Records that the store looks at in one call, so that one call does not hold it for long."""


LIVE_AT_ONCE = 500
"""Jobs in one page of those that are followed."""

NEVER_MS = 2**52
"""Later than any job ends."""


class OwnedRow(msgspec.Struct, array_like=True, frozen=True):
    """One job; what is missing is an empty text. Times are ms since the epoch.

    The last of a reply is no job: its time and id say where the next page begins; a time of -1: there is no more.
    """

    at_us: int
    """When the store took it, us since the epoch: the order of the list."""
    id: str
    state: str = ""
    kind: str = ""
    tier: str = ""
    attempt: str = ""
    submitted: str = ""
    finished: str = ""
    correlation_id: str = ""
    worker: str = ""
    tags: str = ""


class OwnedFilter(msgspec.Struct, array_like=True, frozen=True):
    """Which jobs of an owner are meant; what is empty does not matter."""

    tag: str = ""
    kind: str = ""
    state: str = ""
    live_since: int = -1
    """-1: whatever their state; else those that live, or that ended then (ms since the epoch) or later."""


class OwnedPosition(msgspec.Struct, array_like=True, frozen=True, order=True):
    """A place in the list of an owner's jobs: behind one job. The list goes down."""

    at_us: int
    partition: str
    id: str

    def within(self, partition: str) -> tuple[int, str]:
        """Return where the part of the list goes on that lies in a partition, as `owned.lua` takes it."""
        if partition == self.partition:
            return self.at_us, self.id
        return (self.at_us, "") if partition < self.partition else (self.at_us - 1, "")


BEGINNING = OwnedPosition(0, "", "")
"""Before the newest job."""


class OwnedJob(msgspec.Struct, frozen=True):
    """A job, and its place in the list."""

    position: OwnedPosition
    row: OwnedRow

    @property
    def token(self) -> Token:
        """The job's token."""
        return Token(self.position.partition, self.row.id)


class OwnedPage(msgspec.Struct, frozen=True):
    """Jobs, newest first, and where the list goes on."""

    jobs: list[OwnedJob]
    next: OwnedPosition | None
    """None: there are no more."""


class ForgetReply(msgspec.Struct, array_like=True, frozen=True):
    """What became of the wish that a job be forgotten."""

    answer: ForgetAnswer
    children: list[str]
    """Of a saga: the tokens of the jobs that did, or undid, its steps."""


_OWNED = Script("owned", list[OwnedRow | str])
_FORGET = Script("forget", list[ForgetReply | str], acknowledged=True)


class OwnedJobs:
    """Reads the lists of owners; what asks the store raises `StoreError`."""

    def __init__(self, store: Redis, keys: StoreKeys) -> None:
        self._store = store
        self._keys = keys

    async def page(
        self, owner: str, partitions: list[str], wanted: OwnedFilter, count: int, after: OwnedPosition = BEGINNING
    ) -> OwnedPage:
        """Return up to `count` jobs behind a position; fewer before the end where few of many are wanted.

        One call for each partition. The page ends where the reading of one partition ended, because no older job of
        another may be shown before the jobs that were not read.

        Args:
            owner: whose; empty: jobs with tags of servers without authentication.
            partitions: where they may lie.
            wanted: which of them.
            count: jobs at the most, from 1.
            after: where the page before ended.

        """
        found: list[OwnedJob] = []
        bar: OwnedPosition | None = None
        for partition in partitions:
            jobs, end = await self._part(owner, partition, wanted, count + 1, after)
            found += jobs
            if end is not None and (bar is None or end > bar):
                bar = end
        found.sort(key=lambda job: job.position, reverse=True)
        shown = [job for job in found if bar is None or job.position >= bar][:count]
        if len(shown) == count and len(found) > count:
            return OwnedPage(shown, shown[-1].position)
        return OwnedPage(shown, bar)

    async def _part(
        self, owner: str, partition: str, wanted: OwnedFilter, count: int, after: OwnedPosition
    ) -> tuple[list[OwnedJob], OwnedPosition | None]:
        at, job = (0, "") if after == BEGINNING else after.within(partition)
        args = (owner, at, job, count, LOOK, wanted)
        *rows, end = await _OWNED(self._store, self._keys.root(partition), args)
        assert isinstance(end, OwnedRow)
        # A row that is a text holds what no script wrote.
        jobs = [OwnedJob(OwnedPosition(row.at_us, partition, row.id), row) for row in rows if isinstance(row, OwnedRow)]
        return jobs, None if end.at_us < 0 else OwnedPosition(end.at_us, partition, end.id)

    async def live(self, owner: str, partitions: list[str], tag: str, since_ms: int) -> list[OwnedJob]:
        """Return an owner's jobs with a tag that live, or that ended at a time or later; the oldest first.

        Args:
            owner: whose; empty: as for `page`.
            partitions: where they may lie.
            tag: which they have.
            since_ms: ms since the epoch; 0: only those that live.

        """
        wanted = OwnedFilter(tag=tag, live_since=since_ms or NEVER_MS)
        found: list[OwnedJob] = []
        at: OwnedPosition | None = BEGINNING
        while at is not None:
            page = await self.page(owner, partitions, wanted, LIVE_AT_ONCE, at)
            found += page.jobs
            at = page.next
        return found[::-1]

    async def now_ms(self) -> int:
        """Return the time by the store's clock, ms since the epoch."""
        seconds, micros = await command(self._store, "TIME")
        return int(seconds) * 1000 + int(micros) // 1000

    async def forget(self, token: Token, owner: str) -> ForgetReply:
        """Remove what the store keeps of a job that has ended.

        Args:
            token: the job's.
            owner: the only owner whose job may be removed; empty: any.

        """
        (answer,) = await _FORGET(self._store, self._keys.root(token.partition), ([(token.id, owner)],))
        if isinstance(answer, str):
            raise ItemError(answer)
        return answer
