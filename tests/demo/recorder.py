"""A stand-in for the worker's side of a context: it keeps what a handler says."""

from typing import Any

import msgspec

from tidings.circuit.breaker import Breaker, breaker_of
from tidings.context.context import Sink
from tidings.streams.written_stream import AttemptStreams


class Recorder(Sink):
    """Keeps progress and log, all of it (a worker lets only the newest progress through)."""

    def __init__(self, *, cancel_after: int | None = None) -> None:
        """Record.

        Args:
            cancel_after: after so many progresses the job is cancelled; None: never.

        """
        self.token = "demo.1"  # noqa: S105 - a job's name
        self.kind = "demo"
        self.attempt = 1
        self.correlation_id = ""
        self.owner = ""
        self.tags: tuple[str, ...] = ()
        self.traceparent = ""
        self.idempotency_key = ""
        self.cancelled = False
        self.max_chunk_bytes = 60_000
        self.max_stream_bytes = 16_777_216
        self.progresses: list[dict[str, Any]] = []
        self.chunks: list[dict[str, Any]] = []
        self.said: dict[str, list[Any]] = {}
        self.attempt_streams = AttemptStreams(self.max_chunk_bytes, self.max_stream_bytes)
        self.memos: dict[str, str] = {}
        self._cancel_after = cancel_after

    def progress(self, data: str) -> None:
        self.progresses.append(msgspec.json.decode(data))
        if self._cancel_after is not None and len(self.progresses) >= self._cancel_after:
            self.cancelled = True

    def log(self, chunk: str) -> None:
        self.chunks.append(msgspec.json.decode(chunk))

    async def room(self) -> None:
        pass

    @property
    def streams(self) -> AttemptStreams:
        return self.attempt_streams

    def write_chunk(self, stream: str, index: int, text: str, size: int) -> None:
        written = self.said.setdefault(stream, [])
        assert index == len(written)
        written.append(msgspec.json.decode(text))

    def keep_chunks(self, stream: str, kept: int, size: int) -> None:
        raise AssertionError("there was no earlier attempt")

    async def earlier_chunks(self, stream: str) -> list[str]:
        return []

    async def recall(self, name: str) -> str:
        return self.memos.get(name, "")

    async def record(self, name: str, value: str) -> str:
        return self.memos.setdefault(name, value)

    def breaker(self, breaker: str | Breaker) -> Breaker:
        return breaker_of(breaker)

    async def enter(self, breaker: Breaker) -> str:
        return breaker.name

    def leave(self, ticket: str, result: str, text: str) -> None:
        return None
