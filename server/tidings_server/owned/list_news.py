"""Waiting for a list of jobs with a tag to change: a job comes, or one on the page changes its state."""

import asyncio
import hashlib
import time
from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager, suppress

import msgspec

from tidings.protocol.events import EventClass
from tidings.protocol.frames.listing_messages import JobList, ListedJob
from tidings.protocol.problems import ProblemError
from tidings.protocol.tokens import Token, parse_token
from tidings.store.availability.store_errors import StoreError
from tidings.store.jobs.job_store import JobRecord
from tidings_server.auth.identity import Identity
from tidings_server.follow.owner_filter import TagAccess
from tidings_server.follow.tag_feed import Follower
from tidings_server.jobs.client_answers import store_problem
from tidings_server.jobs.job_service import valid
from tidings_server.jobs.quotas import ConnectionSlot
from tidings_server.runtime import ServerRuntime
from tidings_server.watch.encoded_frame import EncodedFrame
from tidings_server.watch.job_listener import JobListener
from tidings_server.web.request.event_number import MAX_SEQ

from .owned_job_list import ListRequest, OwnedJobList


class StateListener(JobListener):
    """Notes that one job on the page is in another state, perhaps."""

    __slots__ = ("_news",)

    def __init__(self, token: Token, news: "ListNews") -> None:
        super().__init__(token)
        self._news = news

    def event(self, seq: int, event_class: int, frame: EncodedFrame) -> None:
        """Take an event."""
        if event_class >= EventClass.CHANGE:
            self._news.note()

    def repaired(self, record: JobRecord, after: int) -> None:
        """Take the job's record in place of events that were lost on the way."""
        self._news.note()

    def vanished(self) -> None:
        """Take note that the job's record is gone."""
        self._news.note()


class ListClient(msgspec.Struct, frozen=True):
    """Who waits, for the limits."""

    caller: str
    quota_key: Hashable
    address: str


class ListNews(Follower):
    """What one request waits for."""

    def __init__(self, runtime: ServerRuntime, identity: Identity, caller: str, slot: ConnectionSlot) -> None:
        """Begin with nothing.

        Args:
            runtime: the server.
            identity: who asks.
            caller: whose share large answers count in.
            slot: counts the jobs that are watched.

        """
        self._runtime = runtime
        self._identity = identity
        self._caller = caller
        self._slot = slot
        self._changed = asyncio.Event()
        self._listeners: list[StateListener] = []

    @contextmanager
    def listening(self, access: TagAccess, tag: str) -> Iterator[None]:
        """Stop listening to the tag, and to the jobs, after the body, which begins with `join`."""
        drain = self._runtime.drain.on_begin
        drain.add(self.note)
        try:
            yield
        finally:
            drain.discard(self.note)
            self._runtime.tag_feed.leave(access.owner, tag, self)
            self._leave_jobs()

    async def join(self, access: TagAccess, tag: str) -> None:
        """Listen for jobs with the tag.

        Raises:
            StoreError: the store cannot be reached.

        """
        await self._runtime.tag_feed.join(access.owner, tag, self)

    def note(self) -> None:
        """Take note that the list may be another."""
        self._changed.set()

    def found(self, tokens: Sequence[Token], *, lives_again: bool = False) -> None:
        """Take jobs with the tag."""
        self.note()

    async def watch(self, jobs: Sequence[ListedJob]) -> None:
        """Listen to the jobs of a page that live, and to no others.

        Raises:
            ProblemError: the caller watches as many jobs as it may.

        """
        self._leave_jobs()
        live = [(job, parse_token(job.token)) for job in jobs if job.finished is None]
        self._slot.watch(len(live))
        for job, token in live:
            assert token is not None, "it comes from the store"
            listener = StateListener(token, self)
            self._listeners.append(listener)
            with suppress(ProblemError):  # its record has left since, or the page is read again
                await self._watch(listener, job)

    async def _watch(self, listener: StateListener, job: ListedJob) -> None:
        room = self._runtime.jobs.reservation(self._caller)
        try:
            record = await self._runtime.jobs.watch(listener, valid(self._identity), MAX_SEQ, room)
        finally:
            room.release()
        if (record.state, record.attempt) != (job.status, job.attempt):
            self.note()
        listener.release(record.seq)

    def _leave_jobs(self) -> None:
        for listener in self._listeners:
            self._runtime.hub.leave(listener)
        self._slot.unwatch(len(self._listeners))
        self._listeners = []

    async def wait(self, until: float) -> bool:
        """Return whether there may be news, at the latest at a time by the monotonic clock."""
        try:
            async with asyncio.timeout(until - time.monotonic()):
                await self._changed.wait()
        except TimeoutError:
            return False
        self._changed.clear()
        return not self._runtime.drain.begun


async def changed_page(
    runtime: ServerRuntime, jobs: OwnedJobList, asked: ListRequest, seen: str, wait: float, client: ListClient
) -> JobList:
    """Return a page that is another than the client has seen, or the one that there is when its time is up.

    Args:
        runtime: the server.
        jobs: reads the list.
        asked: what the client asks for.
        seen: the `etag` of the page that it has.
        wait: how long, s; no longer than its credential or its grant lasts.
        client: whose share the request counts in.

    Raises:
        ProblemError: as for a page, or the client has too many connections or watches.

    """
    now = time.monotonic()
    until = now + min(wait, asked.identity.left())
    slot = runtime.quotas.enter(client.quota_key, client.address, now)
    try:
        slot.watch(1)
        news = ListNews(runtime, asked.identity, client.caller, slot)
        with news.listening(asked.access, asked.wanted.tag):
            await news.join(asked.access, asked.wanted.tag)
            while True:
                page = await jobs.read(asked)
                if etag_of(page) != seen:
                    return page
                await news.watch(page.jobs)
                if not await news.wait(until):
                    return page
    except StoreError as error:
        raise ProblemError(store_problem(error)) from error
    finally:
        slot.leave()


def etag_of(page: JobList) -> str:
    """Return what names a page: which jobs it holds, in which states."""
    rows = [(job.token, job.status, job.attempt) for job in page.jobs]
    return f'"{hashlib.blake2b(msgspec.msgpack.encode(rows), digest_size=12).hexdigest()}"'
