"""The load: jobs of one kind, with a fixed number in flight or at a fixed rate, and the outcome of each."""

import asyncio
import contextlib
import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tidings.client import Client, Handle, JobCancelled, JobExpired, JobFailed, SubmitOptions
from tidings.protocol.problems import ProblemError

READ_AT_ONCE = 32
"""Records asked for at a time, after the load."""

MAX_RECORDS_READ = 5_000
"""Records asked for in all; of more jobs a sample at even distances."""

MAX_OUTSTANDING = 5_000
"""Unfinished jobs at which the generator submits no more: half of what one connection may watch."""

REFUSED_PAUSE_S = 0.1
"""Pause after a refusal that names no `retry_after`."""

CANCEL_S = 10.0
"""Time that cancelled jobs get to end."""

LOOK_EVERY_S = 0.25
"""Time between two counts of the unfinished jobs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadPlan:
    """The load to generate."""

    kind: str
    inputs: Sequence[Any]
    """Taken in turn."""
    options: SubmitOptions
    in_flight: int
    offered: float
    """Jobs a second, however many are unfinished; 0: a job is submitted when another has ended."""
    warm_up_s: float
    seconds: float
    drain_s: float
    """Time that unfinished jobs get at the end, before they are cancelled."""


@dataclass(slots=True)
class JobSample:
    """One job, by this process's clock; wait and run by the store's."""

    began: float
    """When it was submitted, or should have been, s."""
    ack_s: float
    total_s: float = 0.0
    """Until the client heard that it had ended."""
    outcome: str = ""
    """`succeeded`, the code of its problem, `cancelled` or `expired`."""
    token: str = ""
    wait_s: float | None = None
    """From submitted to started."""
    run_s: float | None = None
    """From started to finished: of a job that was tried again, the last attempt."""


@dataclass(slots=True)
class LoadResult:
    """The samples and counts of one load."""

    seconds: float
    samples: list[JobSample] = field(default_factory=list)
    """The jobs that began in the time measured and have ended."""
    refused: Counter[str] = field(default_factory=Counter)
    """Codes with which submissions were refused meanwhile."""
    completed: int = 0
    """Jobs that succeeded in the time measured, whenever they began."""
    outstanding: list[tuple[float, int]] = field(default_factory=list)
    """How many jobs were unfinished: (s since the beginning of the measurement, jobs)."""
    cancelled: int = 0
    """Jobs that were cancelled because they were unfinished too long after the end."""
    held_back: int = 0
    """Jobs that were not offered, because too many were unfinished."""


class LoadGenerator:
    """Generates a planned load over one connection."""

    def __init__(self, client: Client, plan: LoadPlan) -> None:
        self._client = client
        self._plan = plan
        self._inputs: Iterator[Any] = itertools.cycle(plan.inputs)
        self._live: set[Handle] = set()
        self._jobs: set[asyncio.Task[None]] = set()
        self._found = LoadResult(plan.seconds)
        self._clock = asyncio.get_running_loop().time
        self._from = self._until = 0.0

    async def run(self) -> LoadResult:
        """Generate the load.

        Raises:
            ProblemError: the server refused the first job, and would refuse all.
            ConnectionLost: the connection was closed for good.
            TimeoutError: the first job did not end within `drain_s`.

        """
        await self._try_one()
        self._from = self._clock() + self._plan.warm_up_s
        self._until = self._from + self._plan.seconds
        async with asyncio.TaskGroup() as tasks:
            looking = tasks.create_task(self._look(), name="look")
            if self._plan.offered:
                await self._offer(tasks)
            else:
                for _ in range(self._plan.in_flight):
                    self._keep(tasks.create_task(self._loop(), name="in flight"))
                await asyncio.sleep(self._until - self._clock())
            looking.cancel()
            await self._drain()
        await self._read()
        return self._found

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._jobs.add(task)
        task.add_done_callback(self._jobs.discard)

    async def _try_one(self) -> None:
        handle = await self._client.submit(self._plan.kind, next(self._inputs), options=self._plan.options)
        try:
            async with asyncio.timeout(self._plan.drain_s):
                await _outcome(handle)
        except TimeoutError:
            await handle.cancel()
            raise

    async def _loop(self) -> None:
        while (now := self._clock()) < self._until:
            try:
                await self._one(now)
            except ProblemError as refusal:
                await asyncio.sleep(refusal.problem.retry_after or REFUSED_PAUSE_S)

    async def _offer(self, tasks: asyncio.TaskGroup) -> None:
        """Submit at even distances, late jobs at once; the time of each counts from when it was due."""
        due = self._clock()
        while due < self._until:
            await asyncio.sleep(due - self._clock())
            if len(self._live) < MAX_OUTSTANDING:
                self._keep(tasks.create_task(self._offered(due), name="offered"))
            else:
                self._found.held_back += self._measured(due)
            due += 1 / self._plan.offered

    async def _offered(self, due: float) -> None:
        with contextlib.suppress(ProblemError):  # which is counted
            await self._one(due)

    async def _one(self, began: float) -> None:
        try:
            handle = await self._client.submit(self._plan.kind, next(self._inputs), options=self._plan.options)
        except ProblemError as refusal:
            self._found.refused[refusal.code] += self._measured(began)
            raise
        sample = JobSample(began, self._clock() - began, token=handle.token)
        self._live.add(handle)
        try:
            sample.outcome = await _outcome(handle)
        finally:
            self._live.discard(handle)
        ended = self._clock()
        sample.total_s = ended - began
        if self._measured(began):
            self._found.samples.append(sample)
        self._found.completed += sample.outcome == "succeeded" and self._measured(ended)

    def _measured(self, moment: float) -> bool:
        return self._from <= moment < self._until

    async def _look(self) -> None:
        await asyncio.sleep(self._plan.warm_up_s)
        while True:
            self._found.outstanding.append((self._clock() - self._from, len(self._live)))
            await asyncio.sleep(LOOK_EVERY_S)

    async def _drain(self) -> None:
        """Wait for unfinished jobs, cancel those that take too long, and give up on those that do not end even then."""
        if not self._jobs:
            return
        await asyncio.wait(self._jobs, timeout=self._plan.drain_s)
        left = list(self._live)
        self._found.cancelled = len(left)
        for handle in left:
            with contextlib.suppress(ProblemError):  # it has just ended
                await handle.cancel()
        if self._jobs:
            await asyncio.wait(self._jobs, timeout=CANCEL_S)
        for job in list(self._jobs):
            job.cancel()

    async def _read(self) -> None:
        """Read the milestones of the jobs, after the load, so that the reads disturb no measurement."""
        step = -(-len(self._found.samples) // MAX_RECORDS_READ) or 1
        wanted = iter(self._found.samples[::step])

        async def read() -> None:
            for sample in wanted:
                await self._read_one(sample)

        async with asyncio.TaskGroup() as tasks:
            for _ in range(READ_AT_ONCE):
                tasks.create_task(read(), name="read")

    async def _read_one(self, sample: JobSample) -> None:
        try:
            snapshot = (await self._client.watch(sample.token)).snapshot
        except ProblemError:
            return  # the store keeps records for a shorter time than the load took
        assert snapshot is not None, "a watch is answered by one"
        at = {name: datetime.fromisoformat(text).timestamp() for name, text in snapshot.milestones.items()}
        if {"submitted", "started", "finished"} <= at.keys():
            sample.wait_s = round(at["started"] - at["submitted"], 3)
            sample.run_s = round(at["finished"] - at["started"], 3)


async def _outcome(handle: Handle) -> str:
    try:
        await handle.result()
    except JobFailed as failed:
        return failed.code
    except JobCancelled:
        return "cancelled"
    except JobExpired:
        return "expired"
    return "succeeded"
