"""The messages between a worker and its child processes: MessagePack, each with its length before it."""

import asyncio
import struct
from typing import TypeVar

import msgspec

from tidings.circuit.breaker import WhenOpen
from tidings.circuit.breaker_record import BreakerSpec
from tidings.protocol.problems import Problem

T = TypeVar("T")

_LENGTH = struct.Struct(">I")
_encoder = msgspec.msgpack.Encoder()


class _Message(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """One message."""


# To the child.


class Welcome(_Message, frozen=True):
    """The first message: how to become a process that can run the worker's jobs."""

    modules: tuple[str, ...]
    path: list[str]
    """The worker's `sys.path`."""
    python_path: str | None
    """The worker's own PYTHONPATH, for what the child starts in its turn."""
    log_format: str
    log_level: str
    max_result_bytes: int
    max_chunk_bytes: int
    max_stream_bytes: int
    progress_per_s: float
    lifespan_enter_s: float
    lifespan_leave_s: float


class RunCommand(_Message, frozen=True):
    """Run a handler."""

    kind: str
    token: str
    attempt: int
    correlation_id: str
    owner: str
    tags: tuple[str, ...]
    traceparent: str
    idempotency_key: str
    input: bytes
    version: int
    """Of the kind, for which the input was checked."""
    shared: int = 0
    """The bytes of an input that lies in the shared memory; 0: it is here."""


class Stop(_Message, frozen=True):
    """The attempt is over."""


class Leave(_Message, frozen=True):
    """The worker leaves: leave the lifespans and end. No handler runs."""


class ChunkTaken(_Message, frozen=True):
    """The answer to `Chunk` and `StreamWrite`: the worker has taken it, and has room for another."""

    number: int
    """The number of the question; so in every answer."""


class MemoValue(_Message, frozen=True):
    """The answer to `RecallMemo` and `RecordMemo`."""

    number: int
    value: str
    """What stands recorded under the name; empty: nothing."""


class StreamValue(_Message, frozen=True):
    """The answer to `RecallStream`."""

    number: int
    chunks: list[str]
    """JSON texts."""


class BreakerEntered(_Message, frozen=True):
    """The answer to `EnterBreaker`."""

    number: int
    ticket: str
    """Empty: the breaker is open."""
    breaker: str = ""
    retry_after: float = 0.0
    """s."""
    when_open: WhenOpen = "wait"


# To the worker.


class Ready(_Message, frozen=True):
    """The modules are loaded, and their lifespans entered."""

    leaves: bool = False
    """Whether there are any lifespans: the worker then sends `Leave` before it ends this process."""


class LifespanFailed(_Message, frozen=True):
    """A lifespan could not be entered; the process ends."""

    text: str
    """One line: which, where and why."""


class Progress(_Message, frozen=True):
    """Progress, as JSON text."""

    data: str


class Chunk(_Message, frozen=True):
    """A log chunk, as JSON text. Answered by `ChunkTaken`; the thread that sent it sends the next one after that."""

    number: int
    """Counts the questions of a child, from 1, for as long as it lives: several threads may ask at the same time."""
    chunk: str


class StreamWrite(_Message, frozen=True):
    """Chunks of a stream. Answered by `ChunkTaken`."""

    number: int
    stream: str
    index: int
    """Of the first."""
    chunks: list[tuple[str, int]]
    """JSON text, and what it counts, bytes."""


class KeepStream(_Message, frozen=True):
    """The attempt takes a stream over, with some chunks of what an earlier one said."""

    stream: str
    kept: int
    size: int


class RecallStream(_Message, frozen=True):
    """What did an earlier attempt say in this stream? Answered by `StreamValue`."""

    number: int
    stream: str


class RecallMemo(_Message, frozen=True):
    """What is recorded under this name? Answered by `MemoValue`."""

    number: int
    name: str


class RecordMemo(_Message, frozen=True):
    """Record this JSON text under a name. Answered by `MemoValue`, when it is durable."""

    number: int
    name: str
    value: str


class EnterBreaker(_Message, frozen=True):
    """May a call pass this breaker? Answered by `BreakerEntered`."""

    number: int
    name: str
    spec: BreakerSpec
    slow_call: float | None
    when_open: WhenOpen


class LeaveBreaker(_Message, frozen=True):
    """A call that was let through has ended so."""

    ticket: str
    result: str
    text: str


class ResultMessage(_Message, frozen=True):
    """The handler returned this, as JSON."""

    result: bytes
    shared: int = 0
    """The bytes of a result that lies in the shared memory; 0: it is here."""


class FinalFailure(_Message, frozen=True):
    """The job fails for good, for a reason that the worker's code found, not the handler."""

    problem: Problem
    trace: str


class RejectRaised(_Message, frozen=True):
    """The handler raised `Reject`."""

    message: str
    code: str
    data: bytes | None
    """JSON."""
    trace: str
    omitted: str = ""
    """Why its data were left out; empty: they were not."""


class RetryRaised(_Message, frozen=True):
    """The handler raised `Retry`."""

    message: str
    after: float | None
    trace: str


class ErrorRaised(_Message, frozen=True):
    """The handler raised anything else."""

    name: str
    text: str
    trace: str
    may_be_retried: bool
    counts: bool = True
    """Whether it counts for the breaker of its kind."""


class CircuitOpenRaised(_Message, frozen=True):
    """The handler let a `CircuitOpenError` pass."""

    breaker: str
    retry_after: float
    """s."""
    when_open: WhenOpen
    trace: str


ChildQuestion = Chunk | StreamWrite | RecallStream | RecallMemo | RecordMemo | EnterBreaker
ChildAnswer = ChunkTaken | StreamValue | MemoValue | BreakerEntered
ToChild = Welcome | RunCommand | Stop | Leave | ChildAnswer
OutcomeMessage = ResultMessage | FinalFailure | RejectRaised | RetryRaised | ErrorRaised | CircuitOpenRaised
ToWorker = Ready | LifespanFailed | Progress | KeepStream | ChildQuestion | LeaveBreaker | OutcomeMessage

to_child: msgspec.msgpack.Decoder[ToChild] = msgspec.msgpack.Decoder(ToChild)
to_worker: msgspec.msgpack.Decoder[ToWorker] = msgspec.msgpack.Decoder(ToWorker)


def pack(message: msgspec.Struct) -> bytes:
    """Return a message as it is sent."""
    body = _encoder.encode(message)
    return _LENGTH.pack(len(body)) + body


async def receive(reader: asyncio.StreamReader, decoder: msgspec.msgpack.Decoder[T]) -> T | None:
    """Return the next message; None if the other side is gone.

    Raises:
        msgspec.DecodeError: what came is no message.

    """
    try:
        (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
        return decoder.decode(await reader.readexactly(length))
    except (asyncio.IncompleteReadError, OSError):
        return None
