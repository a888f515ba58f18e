"""The stores of a worker, as far as one attempt uses them, in memory."""

import asyncio
import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msgspec

from tidings.errors import Reject
from tidings.protocol.kinds.kind_record import KindRecord
from tidings.protocol.problems import Problem, ProblemError, problem
from tidings.protocol.tokens import Token
from tidings.schema.codec import encode
from tidings.store.answers import FenceAnswer, JournalAnswer, ReportAnswer
from tidings.store.attempts.attempt_store import AttemptReport, AttemptStore, MemoReply
from tidings.store.availability.store_errors import StoreUnavailableError
from tidings.store.breaker_store import BreakerStore, CallReport
from tidings.store.saga_store import JournalRead, SagaStore, StepWrite, StepWriteReply
from tidings.store.streams.stream_records import StreamPage
from tidings.testing.testing_errors import TestingError
from tidings_worker.saga.children import Children, KindDirectory, NewChild

from .run_record import RunRecord

T = TypeVar("T")

PARTITION = "testing"
"""The queue of the job."""


class MemoryAttemptStore(AttemptStore):
    """Takes what an attempt reports."""

    def __init__(self, record: RunRecord, partition: str = PARTITION) -> None:
        self.partition = partition
        self.worker = "testing"
        self.keeps_history: bool = False
        self._record = record

    def report(self, report: AttemptReport, *, apart: bool = False) -> "asyncio.Future[ReportAnswer]":
        """Take a report."""
        report.seal()
        self.reported_ms: int = self._record.now_ms
        return _done(ReportAnswer.TURNED if self._record.take(report) else ReportAnswer.OK)

    async def read_stream(self, job: str, name: str) -> StreamPage:
        """Return what the attempt before said."""
        chunks = self._record.earlier.get(name, [])
        count = len(chunks)
        return StreamPage("running", "", "", 1, self._record.fence - 1, 1, count, 0, count, ",".join(chunks))

    def once(
        self, job: str, fence: int, name: str, value: str = "", *, apart: bool = False
    ) -> "asyncio.Future[MemoReply]":
        """Recall a memo, or record it."""
        known = self._record.memos.get(name, "")
        if value and not known:
            known = self._record.memos[name] = value
        return _done(MemoReply(FenceAnswer.OK, known))


class MemorySagaStore(SagaStore):
    """Keeps a journal."""

    def __init__(self, record: RunRecord) -> None:
        self._record = record

    def write(self, partition: str, step: StepWrite, *, apart: bool = False) -> "asyncio.Future[StepWriteReply]":
        """Write a step."""
        signal = self._record.write(step)
        return _done(StepWriteReply(JournalAnswer.OK, self._record.now_ms, self._record.woken, signal=signal))

    def read(self, partition: str, job: str, fence: int, *, apart: bool = False) -> "asyncio.Future[JournalRead]":
        """Read the journal."""
        record = self._record
        fields = [part for item in record.journal.items() for part in item]
        return _done(
            JournalRead(
                JournalAnswer.OK,
                record.now_ms,
                record.woken,
                epoch=record.epoch,
                parked=record.parked,
                fields=fields,
                unwinding=record.unwinding,
                cause=record.cause,
            )
        )


class NoBreakerStore(BreakerStore):
    """Knows the state of no breaker: a worker then lets every call through."""

    def __init__(self) -> None:
        """Know nothing."""

    def look(self, name: str) -> "asyncio.Future[Any]":
        """Fail."""
        return _failed()

    def report(self, report: CallReport) -> "asyncio.Future[Any]":
        """Fail: no breaker counts the calls."""
        return _failed()


class GivenChildren(Children):
    """The ends of children, as the test gives them."""

    def __init__(self, record: RunRecord, given: Mapping[str, Any], on_end: Callable[[], None]) -> None:
        self._record = record
        self._given = given
        self._on_end = on_end
        self.kinds: GivenKinds = GivenKinds(given)

    async def submit(self, child: NewChild) -> bool:
        """End a child at once, as the test says."""
        end = await self._end_of(child)
        ok = not isinstance(end, Exception)
        text = encode(_problem_of(end) if isinstance(end, Exception) else end).decode()
        self._record.end_child(child.path, text, ok=ok)
        self._on_end()
        return True

    async def _end_of(self, child: NewChild) -> Any:
        """Return the result of a child, or the exception with which it fails."""
        end = self._given[child.kind.kind]
        if not callable(end) or isinstance(end, type):
            return end
        try:
            result = end(msgspec.json.decode(child.input))
            return await result if inspect.isawaitable(result) else result
        except Exception as error:  # noqa: BLE001 - a child may fail with anything
            return error

    async def stop(self, token: Token, kind: str) -> str:
        """Return that it has ended."""
        return "finished"


class GivenKinds(KindDirectory):
    """The kinds of which the test gives ends."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self._given = given

    async def find(self, kind: str) -> KindRecord | None:
        """Return a kind.

        Raises:
            TestingError: the test does not say how its jobs end.

        """
        if kind not in self._given:
            raise TestingError(
                f"the saga calls the kind {kind!r}, and run() runs no children: say how it ends, "
                f"children={{{kind!r}: …}}, with a result, an exception or a function of the input; or use a World"
            )
        anything = msgspec.Raw(b"{}")
        return KindRecord(kind=kind, queue=PARTITION, input=anything, result=anything)

    def partition_of(self, record: KindRecord, job: str) -> str:
        """Return the one partition that there is."""
        return PARTITION


def _problem_of(error: Exception) -> Problem:
    if isinstance(error, ProblemError):
        return error.problem
    return problem("rejected" if isinstance(error, Reject) else "handler_error", str(error) or type(error).__name__)


def _done(value: T) -> "asyncio.Future[T]":
    future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
    future.set_result(value)
    return future


def _failed() -> "asyncio.Future[Any]":
    future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    future.set_exception(StoreUnavailableError("run() has no store"))
    future.exception()  # marks it as seen
    return future
