"""Waiting for a job over HTTP: until something new is known, or until it has ended."""

import asyncio

from tidings.protocol.events import EventClass
from tidings.protocol.tokens import Token
from tidings.store.jobs.job_reader import UNBOUNDED_ROOM, ReplyRoom
from tidings.store.jobs.job_store import JobRecord
from tidings_server.auth.identity import Identity
from tidings_server.jobs.job_service import valid
from tidings_server.runtime import ServerRuntime
from tidings_server.watch.encoded_frame import EncodedFrame
from tidings_server.watch.job_listener import JobListener
from tidings_server.watch.snapshots import is_final


class Waiter(JobListener):
    """Wakes one request when the job moves."""

    __slots__ = ("moved", "only_final")

    def __init__(self, token: Token, *, only_final: bool) -> None:
        super().__init__(token)
        self.moved = asyncio.Event()
        self.only_final = only_final

    def event(self, seq: int, event_class: int, frame: EncodedFrame) -> None:
        """Wake the request, if this is what it waits for."""
        if event_class == EventClass.FINAL or not self.only_final:
            self.moved.set()

    def repaired(self, record: JobRecord, after: int) -> None:
        """Wake the request; it reads the record again."""
        self.moved.set()

    def vanished(self) -> None:
        """Wake the request; it will find nothing."""
        self.moved.set()


async def wait_for_news(
    runtime: ServerRuntime,
    token: Token,
    identity: Identity,
    seen: int,
    timeout: float,
    after: int = 0,
    room: ReplyRoom = UNBOUNDED_ROOM,
) -> JobRecord:
    """Return the job's record as soon as its number is not `seen`, or after `timeout` seconds.

    Its log begins after the number `after`; a large answer is kept in the `room`. The wait ends with the credential.

    Raises:
        ProblemError: the job is not known, the store is unavailable, or the credential ended.

    """
    waiter = Waiter(token, only_final=False)
    try:
        record = await runtime.jobs.watch(waiter, valid(identity), after, room)
        if record.seq != seen or record.finished is not None:
            return record
        room.release()  # it is read again
        waiter.release(record.seq)
        await _wait(runtime, waiter, min(timeout, identity.left()))
    finally:
        runtime.hub.leave(waiter)
    return await runtime.jobs.read(token, valid(identity), after, room)


async def watch_now(
    runtime: ServerRuntime, waiter: Waiter, identity: Identity, room: ReplyRoom = UNBOUNDED_ROOM
) -> JobRecord:
    """Return the record of a job that was there before; unless it has ended, the waiter gets its events.

    Raises:
        ProblemError: as `wait_for_news`.

    """
    ended = True
    try:
        record = await runtime.jobs.watch(waiter, valid(identity), 0, room)
        ended = is_final(record)
    finally:
        if ended:
            runtime.hub.leave(waiter)
    waiter.release(record.seq)
    return record


async def wait_for_end(
    runtime: ServerRuntime, waiter: Waiter, identity: Identity, timeout: float, room: ReplyRoom = UNBOUNDED_ROOM
) -> JobRecord:
    """Return the record of a job just submitted once it has ended, or after `timeout` seconds.

    The wait ends with the credential.

    Raises:
        ProblemError: as `wait_for_news`.

    """
    try:
        await _wait(runtime, waiter, min(timeout, identity.left()))
    finally:
        runtime.hub.leave(waiter)
    return await runtime.jobs.read(waiter.token, valid(identity), room=room)


async def _wait(runtime: ServerRuntime, waiter: Waiter, timeout: float) -> None:
    runtime.drain.on_begin.add(waiter.moved.set)
    try:
        async with asyncio.timeout(timeout):
            await waiter.moved.wait()
    except TimeoutError:
        return  # the caller answers with what is known by then
    finally:
        runtime.drain.on_begin.discard(waiter.moved.set)
