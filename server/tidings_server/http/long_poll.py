"""Waiting for a job over HTTP: until something new is known, or until it has ended."""

import asyncio

from tidings.protocol.events import EventClass
from tidings.protocol.tokens import Token
from tidings.store.job_reader import UNBOUNDED_ROOM, ReplyRoom
from tidings.store.job_store import JobRecord
from tidings_server.auth.identity import Identity
from tidings_server.jobs.encoded_frame import EncodedFrame
from tidings_server.jobs.hub import JobListener
from tidings_server.runtime import ServerRuntime


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
        """Wake the request; it reads the record anew."""
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
        ProblemError: the job is not known, the store is not there, or the credential ended.

    """
    waiter = Waiter(token, only_final=False)
    record = await runtime.watch(waiter, identity, after, room)
    try:
        if record.seq != seen or record.finished is not None:
            return record
        room.release()  # it is read again
        waiter.release(record.seq)
        await _wait(runtime, waiter, min(timeout, identity.left()))
    finally:
        runtime.hub.leave(waiter)
    return await runtime.read(token, identity, after, room)


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
    return await runtime.read(waiter.token, identity, room=room)


async def _wait(runtime: ServerRuntime, waiter: Waiter, timeout: float) -> None:
    runtime.on_drain.add(waiter.moved.set)
    try:
        async with asyncio.timeout(timeout):
            await waiter.moved.wait()
    except TimeoutError:
        return  # the caller answers with what is known by then
    finally:
        runtime.on_drain.discard(waiter.moved.set)
