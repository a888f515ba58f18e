"""The CPU time of the worker for one attempt, beside a store that answers at once: twenty attempts at a time."""

import asyncio
import time
from statistics import median
from typing import Any, Final, cast

import msgspec

from bench import jobs
from tidings import Job
from tidings.protocol.frames.envelope import Envelope
from tidings.store.answers import ReportAnswer, StartAnswer
from tidings.store.attempts.attempt_store import AttemptReport, AttemptStore, ReadyEntry, Started
from tidings_worker.attempt.attempt import Attempt
from tidings_worker.circuit.queue_breakers import QueueBreakers
from tidings_worker.runner.process_pool import ProcessPool
from tidings_worker.runner.runner import Runners
from tidings_worker.settings import WorkerSettings

AT_ONCE: Final = 20
ATTEMPTS: Final = 1_000
KINDS: Final[dict[str, Job[Any, Any]]] = {
    "nothing, in the event loop": jobs.noop,
    "three progresses": jobs.three_steps,
    "three waits and progresses": jobs.three_waiting_steps,
    "nothing, in a thread": jobs.noop_in_thread,
}


class _Store:
    """Takes the reports of a millisecond together, as a real one does at load."""

    partition = "p"
    worker = "worker"
    keeps_history = True
    reported_ms = 0

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._waiting: list[tuple[AttemptReport, asyncio.Future[ReportAnswer]]] = []

    def report(self, report: AttemptReport) -> "asyncio.Future[ReportAnswer]":
        answer: asyncio.Future[ReportAnswer] = self._loop.create_future()
        if not self._waiting:
            self._loop.call_later(0.001, self._answer)
        self._waiting.append((report, answer))
        return answer

    def _answer(self) -> None:
        reports, self._waiting = self._waiting, []
        for report, answer in reports:
            report.seal()
            answer.set_result(ReportAnswer.OK)


async def measure_attempts(rounds: int) -> dict[str, float]:
    """Return for each sort of handler what an attempt costs, µs: medians of so many rounds in turn."""
    found: dict[str, list[float]] = {name: [] for name in KINDS}
    with Runners(AT_ONCE, cast("ProcessPool", None)) as runners:
        for _ in range(rounds):
            for name, kind in KINDS.items():
                found[name].append(await _cost_of(kind, runners))
    return {name: median(costs) for name, costs in found.items()}


async def _cost_of(kind: Job[Any, Any], runners: Runners) -> float:
    store, settings = cast("AttemptStore", _Store()), WorkerSettings()
    entry, envelope = ReadyEntry("standard", "1-0", "A" * 22, b""), Envelope(kind.kind, msgspec.Raw(b"{}"))
    started, breakers = Started(StartAnswer.RUN, 1, 1, 0, 1, 0, 1, 2), cast("QueueBreakers", None)
    began = time.process_time()
    for _ in range(ATTEMPTS // AT_ONCE):
        async with asyncio.TaskGroup() as attempts:
            for _ in range(AT_ONCE):
                attempt = Attempt(store, settings, kind, entry, envelope, started, breakers)
                attempts.create_task(attempt.run(runners))
    return (time.process_time() - began) / ATTEMPTS * 1e6
