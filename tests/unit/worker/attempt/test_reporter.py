"""A reporter goes on saying what the store did not confirm, in order, until it answers."""

import asyncio
from typing import cast

import pytest

from support.waiting import until_async
from tidings.store.answers import ReportAnswer
from tidings.store.attempts.attempt_records import event_size
from tidings.store.attempts.attempt_store import AttemptReport, AttemptStore
from tidings.store.availability.store_errors import ScriptError, StoreError, refusal
from tidings_worker.attempt.lifecycle import Lifecycle
from tidings_worker.attempt.reporter import BUFFER_BYTES, Reporter
from tidings_worker.outcome import outcomes
from tidings_worker.outcome.stop_reason import StopReason


class Deaf:
    """A store whose first replies are lost."""

    reported_ms = 0

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.heard: list[tuple[int, int]] = []

    def report(self, report: AttemptReport) -> "asyncio.Future[ReportAnswer]":
        report.seal()
        self.heard.append((report.number, len(report.events)))
        answer: asyncio.Future[ReportAnswer] = asyncio.get_running_loop().create_future()
        if len(self.heard) <= self.failures:
            answer.set_exception(StoreError("gone"))
        else:
            answer.set_result(ReportAnswer.OK)
        return answer


async def test_a_report_whose_reply_was_lost_is_sent_again_under_its_number() -> None:
    store, answers = Deaf(failures=2), list[str]()
    reporter = Reporter(cast("AttemptStore", store), "AAAAAAAAAAAAAAAAAAAAAA", 1, 20, answers.append)
    reporter.log('"a"')
    assert await reporter.end(outcomes.succeeded(b"1")) == "ok"
    assert store.heard == [(1, 1)] * 3 + [(2, 0)]
    assert answers == []


class Refusing(Deaf):
    """A store that says something instead of an answer, a few times."""

    def __init__(self, failures: int, error: StoreError) -> None:
        super().__init__(failures)
        self.error = error
        self.apart: list[bool] = []

    def report(self, report: AttemptReport, *, apart: bool = False) -> "asyncio.Future[ReportAnswer]":
        self.apart.append(apart)
        report.seal()
        self.heard.append((report.number, len(report.events)))
        answer: asyncio.Future[ReportAnswer] = asyncio.get_running_loop().create_future()
        if len(self.heard) <= self.failures:
            answer.set_exception(self.error)
        else:
            answer.set_result(ReportAnswer.OK)
        return answer


@pytest.mark.parametrize(
    "text",
    [
        "NOREPLICAS Not enough good replicas to write.",
        "NOPERM User default has no permissions to run the 'fcall' command",
        "MISCONF Errors writing to the AOF file: No space left on device",
        "OOM command not allowed when used memory > 'maxmemory'.",
        "READONLY You can't write against a read only replica.",
        "LOADING the dataset is being loaded in memory",
        "BUSY a script is running. You can only call SCRIPT KILL.",
        "CLUSTERDOWN the cluster is down",
        "TRYAGAIN multiple keys request during rehashing of slot",
        "MASTERDOWN Link with MASTER is down",
        "MOVED 3999 127.0.0.1:6381",
        "UNBLOCKED force unblock from blocking operation",
        "ERR user_script:1: something that no one has seen before",
        "ILLEGAL running to succeeded",
        "WHATEVER",
        "",
    ],
)
async def test_whatever_the_store_says_instead_of_an_answer_the_outcome_is_told_again(text: str) -> None:
    error = refusal(text)
    store, answers = Refusing(failures=5, error=error), list[str]()
    reporter = Reporter(cast("AttemptStore", store), "AAAAAAAAAAAAAAAAAAAAAA", 1, 20, answers.append)
    assert await reporter.end(outcomes.succeeded(b"1")) == "ok"
    assert store.heard == [(1, 0)] * 6
    assert answers == []
    # What the store refuses for a reason that is not its own state goes without the reports of others.
    assert store.apart == [False] + [isinstance(error, ScriptError)] * 5


async def test_only_another_fence_makes_an_outcome_void() -> None:
    class Taken(Refusing):
        def report(self, report: AttemptReport, *, apart: bool = False) -> "asyncio.Future[ReportAnswer]":
            answer = super().report(report, apart=apart)
            if len(self.heard) > self.failures:
                answer = asyncio.get_running_loop().create_future()
                answer.set_result(ReportAnswer.LOST)
            return answer

    store, answers = Taken(failures=2, error=refusal("NOPERM no")), list[str]()
    reporter = Reporter(cast("AttemptStore", store), "AAAAAAAAAAAAAAAAAAAAAA", 1, 20, answers.append)
    assert await reporter.end(outcomes.succeeded(b"1")) == "lost"
    assert answers == ["lost"]


async def test_a_refused_outcome_is_kept_until_a_heartbeat_says_that_another_has_the_job() -> None:
    store, answers = Refusing(failures=10**9, error=refusal("ERR broken")), list[str]()
    reporter = Reporter(cast("AttemptStore", store), "AAAAAAAAAAAAAAAAAAAAAA", 1, 20, answers.append)
    ending = asyncio.create_task(reporter.end(outcomes.succeeded(b"1")))
    await until_async(lambda: len(store.heard) >= 10, pause_s=0)
    assert not ending.done()
    reporter.discard_refused()
    assert await ending == "lost"
    told = len(store.heard)
    for _ in range(10):
        await asyncio.sleep(0)
    assert len(store.heard) <= told + 1


async def test_an_attempt_that_is_lost_discards_its_refused_report_once() -> None:
    store = Refusing(failures=10**9, error=refusal("ERR broken"))
    lifecycle = Lifecycle(asyncio.get_running_loop(), unwinding=False)
    reporter = Reporter(cast("AttemptStore", store), "AAAAAAAAAAAAAAAAAAAAAA", 1, 20, lifecycle.stop)
    lifecycle.reporter = reporter
    ending = asyncio.create_task(reporter.end(outcomes.succeeded(b"1")))
    await until_async(lambda: len(store.heard) >= 2, pause_s=0)
    lifecycle.stop(StopReason.LOST)  # as a heartbeat does; each of the two calls the other
    assert await ending == "lost"


class Silent(Deaf):
    """A store that does not answer before it is told to."""

    def __init__(self) -> None:
        super().__init__(0)
        self.reports: list[AttemptReport] = []

    def report(self, report: AttemptReport, *, apart: bool = False) -> "asyncio.Future[ReportAnswer]":
        self.reports.append(report)
        if len(self.reports) == 1:
            report.seal()
        return asyncio.get_running_loop().create_future()


async def test_progress_that_cannot_be_told_is_kept_up_to_a_bound_and_the_newest_of_it() -> None:
    store = Silent()
    reporter = Reporter(cast("AttemptStore", store), "AAAAAAAAAAAAAAAAAAAAAA", 1, 1_000_000, lambda _: None)
    for number in range(200):
        reporter.progress(f'"{number:>10000}"')
    waiting = reporter._open()
    assert sum(event_size(event) for event in waiting.events) <= BUFFER_BYTES + 20_000
    last = waiting.events[-1]
    assert isinstance(last, tuple)
    assert last[1].endswith(' 199"')
