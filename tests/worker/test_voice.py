"""A voice goes on saying what the store did not confirm, in order, until it answers."""

import asyncio
from typing import cast

from tidings.broker.error import StoreError
from tidings.broker.worker import Report, WorkerStore
from tidings_worker import verdict
from tidings_worker.voice import Voice


class Deaf:
    """A store whose first replies are lost."""

    reported_ms = 0

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.heard: list[tuple[int, int]] = []

    def report(self, report: Report) -> "asyncio.Future[str]":
        report.seal()
        self.heard.append((report.number, len(report.events)))
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        if len(self.heard) <= self.failures:
            answer.set_exception(StoreError("gone"))
        else:
            answer.set_result("ok")
        return answer


async def test_a_report_whose_reply_was_lost_is_sent_again_under_its_number() -> None:
    store, answers = Deaf(failures=2), list[str]()
    voice = Voice(cast("WorkerStore", store), "AAAAAAAAAAAAAAAAAAAAAA", 1, 20, answers.append)
    voice.log('"a"')
    assert await voice.end(verdict.succeeded(b"1")) == "ok"
    assert store.heard == [(1, 1)] * 3 + [(2, 0)]
    assert answers == []
