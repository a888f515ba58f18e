"""What an attempt says in streams on its way into the store: together where it can, and no faster than it is taken."""

import asyncio
from typing import cast

from tidings.protocol.events import EventClass
from tidings.store.answers import ReportAnswer
from tidings.store.attempts.attempt_records import event_size
from tidings.store.attempts.attempt_store import AttemptReport, AttemptStore
from tidings.store.streams.stream_records import KEEP, STREAM, KeepChunks, StreamChunks
from tidings_worker.attempt.reporter import BUFFER_BYTES, TOGETHER_BYTES, Reporter

JOB = "AAAAAAAAAAAAAAAAAAAAAA"


class Store:
    """A store that answers when it is told to."""

    reported_ms = 0

    def __init__(self) -> None:
        self.reports: list[AttemptReport] = []
        self.answers: list[asyncio.Future[ReportAnswer]] = []

    def report(self, report: AttemptReport) -> "asyncio.Future[ReportAnswer]":
        self.reports.append(report)
        self.answers.append(asyncio.get_running_loop().create_future())
        return self.answers[-1]

    async def take(self) -> None:
        """Take the report that is under way."""
        self.reports[-1].seal()
        self.answers[-1].set_result(ReportAnswer.OK)
        await asyncio.sleep(0)


def reporter(store: Store) -> Reporter:
    return Reporter(cast("AttemptStore", store), JOB, 1, 1_000, lambda _: None)


def say(one: Reporter, index: int, text: str = '"x"', stream: str = "a") -> None:
    one.write_chunk(stream, 2, index, text, len(text) + 2)


async def test_chunks_of_one_stream_that_follow_each_other_leave_together() -> None:
    store = Store()
    one = reporter(store)
    one.keep_chunks("a", 2, 1, 5)
    for index in (1, 2):
        say(one, index)
    say(one, 0, stream="b")
    one.log('"l"')
    say(one, 3)
    (report,) = store.reports
    assert report.events == [
        KeepChunks(KEEP, "a", 2, 1, 5),
        StreamChunks(STREAM, "a", 2, 1, 10, ['"x"', '"x"']),
        StreamChunks(STREAM, "b", 2, 0, 5, ['"x"']),
        (EventClass.LOG, '"l"'),
        StreamChunks(STREAM, "a", 2, 3, 5, ['"x"']),
    ]
    assert report.seal()[4] is True


async def test_what_leaves_in_one_event_can_be_published_whole() -> None:
    store = Store()
    one = reporter(store)
    for index in range(20):
        say(one, index, f'"{"x" * 10_000}"')
    sizes = [event_size(event) for event in store.reports[0].events]
    assert len(sizes) > 1
    assert max(sizes) <= TOGETHER_BYTES


async def test_a_handler_that_writes_faster_than_the_store_takes_waits() -> None:
    store = Store()
    one = reporter(store)
    written = 0
    while True:
        say(one, written)
        written += 1
        waiting = asyncio.ensure_future(one.room())
        await asyncio.sleep(0)
        if not waiting.done():
            break
        assert written * 3 < BUFFER_BYTES, "nothing has made it wait"
    await store.take()
    await waiting


async def test_a_report_without_streams_is_as_it_was() -> None:
    report = AttemptReport(JOB, 1, 1)
    report.events.append((EventClass.LOG, "1"))
    assert report.seal() == (JOB, 1, 1, [EventClass.LOG, "1"], False)
