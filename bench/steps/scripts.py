"""The CPU time of the store in the calls of a job, each by itself: fifty jobs of one caller in each call."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Final

import msgspec

from bench.harness.system import Children, start_store
from tidings.protocol.events import EventClass
from tidings.protocol.frames.envelope import Envelope, encode_envelope
from tidings.protocol.states import State
from tidings.protocol.tokens import new_token
from tidings.store.attempts.attempt_records import StartRules, history_text
from tidings.store.attempts.attempt_store import AttemptOutcome, AttemptReport, AttemptStore, ReadyEntry, Started
from tidings.store.jobs.job_store import JobStore, JobStoreOptions, NewJob
from tidings.store.keys import StoreKeys
from tidings.store.redis.store_client import open_store

JOBS: Final = 50
KEPT: Final = 10_000
PROGRESS: Final = '{"fraction":0.3333333333333333,"message":null,"data":null}'
ENVELOPE: Final = Envelope("three_steps", msgspec.Raw(b"{}"))
DONE: Final = AttemptOutcome(State.SUCCEEDED, "result", '{"steps":3}')


async def measure_scripts(rounds: int) -> dict[str, float]:
    """Return for each call of a job what it costs the store, µs a job: medians of so many rounds."""
    with Children() as children:
        url = start_store(children)
        clock = _clock_of(children.system(url).processes["store"].pid)
        store = open_store(url)
        found: dict[str, list[float]] = {}
        options, rules = JobStoreOptions(chronicle=KEPT), StartRules(serves={"three_steps": (1, 1)})
        async with (
            JobStore(store, StoreKeys(), "gateway", options) as gateway,
            AttemptStore(store, StoreKeys(), "p", "worker", chronicle=KEPT, rules=rules) as worker,
        ):
            await worker.join(["standard"])
            for _ in range(rounds):
                await _one_round(gateway, worker, clock, found)
        await store.aclose()
    return {name: median(costs) for name, costs in found.items()}


def _clock_of(process: int) -> Callable[[], float]:
    """Return a clock of the CPU time of a process's main thread, µs.

    Source: https://docs.kernel.org/scheduler/sched-stats.html#proc-pid-schedstat
    """
    path = Path(f"/proc/{process}/schedstat")
    return lambda: int(path.read_text().split()[0]) / 1000


async def _one_round(
    gateway: JobStore, worker: AttemptStore, clock: Callable[[], float], found: dict[str, list[float]]
) -> None:
    last = clock()

    def note(name: str) -> None:
        nonlocal last
        now = clock()
        found.setdefault(name, []).append((now - last) / JOBS)
        last = now

    text = encode_envelope(ENVELOPE).decode()
    new = [NewJob(new_token("p").id, "three_steps", "standard", text, caller="127.0.0.1") for _ in range(JOBS)]
    last = clock()
    await asyncio.gather(*(gateway.submit("p", job) for job in new))
    note("submit")
    entries: list[ReadyEntry] = await worker.take(["standard"], JOBS, 1000)
    note("take")
    answers: list[Started] = await worker.start(entries, spare={"standard": JOBS})
    note("start")
    begun = [(answer.drawn or entry, answer) for entry, answer in _with_entries(entries, answers) if answer.fence]
    reports = []
    for entry, started in begun:
        report = AttemptReport(entry.id, started.fence, 1)
        report.events += [(EventClass.PROGRESS, PROGRESS)] * 3
        report.outcome, report.history = DONE, history_text(entry.tier, ENVELOPE, started, worker.worker)
        reports.append(report)
    last = clock()
    await asyncio.gather(*map(worker.report, reports))
    note("report")


def _with_entries(entries: list[ReadyEntry], answers: list[Started]) -> list[tuple[ReadyEntry, Started]]:
    """Return each answer with an entry: those behind the entries' own say themselves which it is (`drawn`)."""
    return [(entries[min(place, len(entries) - 1)], answer) for place, answer in enumerate(answers)]
