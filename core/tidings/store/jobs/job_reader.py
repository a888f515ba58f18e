"""Reading jobs: small ones many in one call, large ones each for itself, with their logs in pages.

The answer of one call, and so the time for which it holds the store, is bounded: the store only measures a job whose
record or log is large (`watch.lua`), and reads it when there is room for it in this process. Equal questions that have
not been sent are one.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol

import msgspec
from redis.asyncio import Redis

from tidings.protocol.problems import ProblemError
from tidings.protocol.steps import StepRow, decode_head
from tidings.store.availability.store_errors import ItemError, StoreError
from tidings.store.keys import StoreKeys
from tidings.store.redis.batcher import Batcher
from tidings.store.redis.script import Script
from tidings.store.streams import stream_reader
from tidings.store.streams.stream_reader import StreamTakenError
from tidings.store.streams.stream_records import StreamRecord

REPLY_BYTES = 1_048_576
"""What the answers to one call may come to, about."""

PAGE_BYTES = 262_144
"""Of a log that is read in pages."""

Question = tuple[str, int, int]
"""The job, the last number seen (-1: no more events), and 1 if it is read however large it is."""


class JobRecord(msgspec.Struct, array_like=True, frozen=True):
    """A job as the store knows it. A text that is missing is empty, a time is None; times are ms since the epoch."""

    state: str
    """Empty: there is no such job."""
    attempt: int = 0
    seq: int = 0
    kind: str = ""
    progress: str = ""
    result: str = ""
    problem: str = ""
    correlation_id: str = ""
    traceparent: str = ""
    owner: str = ""
    submitted: int | None = None
    enqueued: int | None = None
    dequeued: int | None = None
    started: int | None = None
    finished: int | None = None
    log_from: int = 0
    """The first number that its log still has; 0: the log is whole."""
    chunks: list[tuple[int, int, str]] = []
    """Log chunks after the number asked for: number, time, JSON text."""
    steps: list[StepRow] = []
    """Of a saga: its steps, in no order; `tidings_server.watch.step_timeline.timeline` makes them what clients see."""
    more: int = 0
    """1: its log goes on after these chunks; never in what a `JobReader` returns."""
    tags: str = ""
    """With a space between each two."""
    streams: list[StreamRecord] = []
    """What the watcher lacks of its streams."""
    held: str = ""
    """Of a saga that is held, because its worker's code does not fit it, why: a problem, JSON text."""
    text: int = 0
    """The number, from 1, of its result among those that stand beside the store's replies; 0: it stands among them."""
    large_result: bytes = b""
    """That result, JSON as it came: a text of it would be a copy. `result` is then empty; `result_json` is either."""
    rendered: bytes | None = None
    """What this process has made of it for clients; equal questions share it. Not on the wire."""

    @property
    def result_json(self) -> bytes:
        """The result, JSON; empty: there is none."""
        return self.large_result or self.result.encode()


def place_results(replies: list[JobRecord | str], texts: Sequence[bytes]) -> list[JobRecord | str]:
    """Return replies of the store with the large results in their places that stand beside them."""
    return [
        msgspec.structs.replace(reply, large_result=texts[reply.text - 1])
        if isinstance(reply, JobRecord) and 0 < reply.text <= len(texts)
        else reply
        for reply in replies
    ]


class ReplyRoom(Protocol):
    """The memory that a caller sets aside for an answer, which may be large."""

    async def take(self, size: int) -> None:
        """Wait until there is room for so many bytes; the caller gives it back by `release`.

        Raises:
            ProblemError: there was none for too long.

        """

    def join(self, other: "ReplyRoom") -> None:
        """Share the room that another question has taken, whose answer is the same."""

    def release(self) -> None:
        """Give the room back, if it was taken."""


class _UnboundedRoom:
    """Room without bounds, for questions of the process's own, which come one after the other."""

    async def take(self, size: int) -> None:
        """Take it."""

    def join(self, other: ReplyRoom) -> None:
        """Share it."""

    def release(self) -> None:
        """Give it back."""


UNBOUNDED_ROOM: ReplyRoom = _UnboundedRoom()

_LOG = Script("log", tuple[int, list[tuple[int, int, str]], int])
_valid = msgspec.json.Decoder(msgspec.Raw).decode

_Waiting = list[tuple["asyncio.Future[JobRecord]", ReplyRoom]]
"""The callers that wait for one answer, and their rooms; the first has taken room for it."""


class JobReader:
    """Answers questions about jobs of one partition."""

    def __init__(
        self,
        store: Redis,
        keys: StoreKeys,
        partition: str,
        small: Batcher[Question, JobRecord | str],
        large: Batcher[Question, JobRecord | str],
        start: Callable[[Coroutine[Any, Any, None]], None],
        *,
        join: bool,
    ) -> None:
        """Prepare.

        Args:
            store: a client of the store.
            keys: the names of the namespace.
            partition: whose jobs these are.
            small: asks many questions in a call.
            large: asks one in a call.
            start: runs a reading that takes several calls.
            join: whether equal questions that wait for room are one; not where a question also begins a watch.

        """
        self._store = store
        self._root = keys.root(partition)
        self._small = small
        self._large = large
        self._start = start
        self._join = join
        self._pending: dict[tuple[str, int], _Waiting] = {}
        """Large answers for which there is no room as yet."""

    def ask(self, job: str, after: int, room: ReplyRoom) -> "asyncio.Future[JobRecord]":
        """Return a future of a job's record with its log after a number.

        It fails with `StoreError`, or with `ProblemError`: there was no room.
        """
        future: asyncio.Future[JobRecord] = asyncio.get_running_loop().create_future()
        answer = self._small.put((job, after, 0))
        answer.add_done_callback(lambda done: self._take(job, after, room, future, done))
        return future

    def _take(
        self,
        job: str,
        after: int,
        room: ReplyRoom,
        future: "asyncio.Future[JobRecord]",
        answer: "asyncio.Future[JobRecord | str]",
    ) -> None:
        if future.done():
            return
        if answer.cancelled():
            future.cancel()
            return
        error = answer.exception()
        reply = answer.result() if error is None else ""
        if error is not None:
            future.set_exception(error)
        elif isinstance(reply, JobRecord):
            _settle(future, reply)
        else:
            self._take_large(job, after, room, future, int(reply[1:].partition(" ")[0]))

    def _take_large(
        self, job: str, after: int, room: ReplyRoom, future: "asyncio.Future[JobRecord]", size: int
    ) -> None:
        waiting = self._pending.get((job, after))
        if waiting is not None:
            waiting.append((future, room))
            return
        waiting = [(future, room)]
        if self._join:
            self._pending[job, after] = waiting
        self._start(self._read_large(job, after, size, waiting))

    async def _read_large(self, job: str, after: int, size: int, waiting: _Waiting) -> None:
        _, room = waiting[0]
        try:
            try:
                await room.take(size)
            finally:
                # A question that comes from now on gets an answer of its own.
                self._pending.pop((job, after), None)
            for _, other in waiting[1:]:
                other.join(room)
            record = await self._read_whole(job, after)
        except (StoreError, ProblemError) as error:
            for future, _ in waiting:
                if not future.done():
                    future.set_exception(error)
        except asyncio.CancelledError:
            for future, _ in waiting:
                future.cancel()
            raise
        else:
            for future, _ in waiting:
                _settle(future, record)

    async def _read_whole(self, job: str, after: int) -> JobRecord:
        for _ in range(stream_reader.MAX_TRIES):
            record = await self._large.put((job, after, 1))
            assert isinstance(record, JobRecord), "it was asked for however large it is"
            if record.more:
                record = await self._with_log(job, record)
            streams = await self._whole_streams(job, record)
            if streams is not None:
                return record if streams is record.streams else msgspec.structs.replace(record, streams=streams)
        raise StreamTakenError("attempts took streams of the job over while it was read; ask again")

    async def _whole_streams(self, job: str, record: JobRecord) -> list[StreamRecord] | None:
        """Return the streams of a record with what did not fit into it; None: an attempt took one over meanwhile."""
        if all(stream.upto >= stream.count for stream in record.streams):
            return record.streams
        streams: list[StreamRecord] = []
        for stream in record.streams:
            whole = await stream_reader.complete(self._store, self._root, job, stream)
            if whole is None:
                return None
            streams.append(whole)
        return streams

    async def _with_log(self, job: str, record: JobRecord) -> JobRecord:
        chunks, log_from, last = list(record.chunks), record.log_from, record.seq
        more = 1
        while more:
            seen = chunks[-1][0]
            begins, page, more = await _LOG(self._store, self._root, (job, seen, PAGE_BYTES))
            if begins > seen + 1 and begins != log_from:
                # Its older half was dropped meanwhile: only what is there by now can be shown without a hole.
                chunks, log_from = [], begins
            chunks += page
            if not page:
                break
        chunks = [chunk for chunk in chunks if chunk[0] <= last]
        return msgspec.structs.replace(record, chunks=chunks, log_from=log_from, more=0)


def _settle(future: "asyncio.Future[JobRecord]", record: JobRecord) -> None:
    """Give a record to the caller that waits for it, unless it holds what no script wrote."""
    if future.done():
        return
    try:
        check_record_json(record)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        future.set_exception(ItemError(f"the record is broken: {error}"))
    else:
        future.set_result(record)


def check_record_json(record: JobRecord) -> None:
    """Check that what a record holds as JSON is JSON, because it goes to clients as it is.

    Raises:
        msgspec.MsgspecError: it is not.
        UnicodeDecodeError: it is no text.

    """
    for text in (record.progress, record.result, record.problem, *(chunk for _, _, chunk in record.chunks)):
        if text:
            _valid(text)
    if record.large_result:
        _valid(record.large_result)
        if not record.large_result.isascii():
            record.large_result.decode()  # which the parser has not done: the client takes texts alone
    for stream in record.streams:
        if stream.chunks:
            _valid(f"[{stream.chunks}]")
    for step in record.steps:
        decode_head(step.head)
        for text in (step.input, step.outcome):
            if text:
                _valid(text)
