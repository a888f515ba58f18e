"""A stand-in for the worker's side of a context: it keeps what a handler says."""

from typing import Any

import msgspec

from tidings.circuit.breaker import Breaker, breaker_of
from tidings.context.context import Sink


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
        self.progresses: list[dict[str, Any]] = []
        self.chunks: list[dict[str, Any]] = []
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
