"""The system of one world: a real server and real workers, on one loop and one store whose clocks a test holds.

Of the server everything lives but its sockets: the service of jobs, with its checks of submissions, and the hub that
passes events on. It runs in the thread of the world; the public methods here are called there.
"""

import asyncio
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import anyio.to_thread
import msgspec

from tidings.client.protocol.job_event import Event, missed_events
from tidings.client.streams.held_streams import HeldStreams
from tidings.protocol.events import StreamEvent
from tidings.protocol.steps import Step
from tidings.protocol.timestamps import whole_ms
from tidings.protocol.tokens import Token, split_token
from tidings.store.jobs.job_store import JobRecord
from tidings.store.keys import StoreKeys
from tidings.testing.served_jobs import ServedJobs
from tidings_server.auth.identity import ANYONE
from tidings_server.http.requests import decode_submission, signal_head
from tidings_server.jobs.client_answers import signal_text
from tidings_server.jobs.job_service import valid
from tidings_server.runtime import ServerRuntime
from tidings_server.watch.encoded_frame import EncodedFrame
from tidings_server.watch.job_listener import JobListener
from tidings_server.watch.snapshots import snapshot
from tidings_worker.timing import Timing

from .held_loop import HeldLoop
from .held_store import HeldStore
from .held_time import HeldSystem, HeldTime
from .held_worker import HeldWorker, make_task
from .process_settings import settings_by_process

CALLER = "tests"
"""Whose jobs they are."""


_STREAM_EVENTS = frozenset(StreamEvent)


class JobNews(JobListener):
    """The events of one job, as the hub passes them on."""

    __slots__ = ("events", "kind", "status", "streams")

    def __init__(self, token: Token, kind: str) -> None:
        super().__init__(token)
        self.kind: str = kind
        self.events: list[Event] = []
        self.streams: HeldStreams = HeldStreams()
        """What a client holds of its streams."""
        self.status: str = ""
        """The job's state, as last heard."""

    @property
    def ended(self) -> bool:
        """Whether the job has ended."""
        return bool(self.events) and self.events[-1].final

    def event(self, seq: int, event_class: int, frame: EncodedFrame) -> None:
        """Take an event."""
        # The frame names the event `event`; a program gets it as `name`.
        found = msgspec.json.decode(frame.data)
        if found["event"] in _STREAM_EVENTS:
            self.streams.take_event(found["event"], found["data"])
        self._take(Event(found["event"], found["data"], seq, found["status"], found["at"]))

    def _take(self, event: Event) -> None:
        self.events.append(event)
        self.status = event.status

    def repaired(self, record: JobRecord, after: int) -> None:
        """Take what the record tells, where the store did not publish an event because it is large."""
        found = snapshot(str(self.token), record, after)
        self.streams.take_snapshot(found.streams)
        for event in missed_events(found, after, self.status):
            data = msgspec.json.decode(msgspec.json.encode(event.data))
            self._take(msgspec.structs.replace(event, data=data))

    def vanished(self) -> None:
        """Take note that the record is gone."""


class WorldSystem(HeldSystem):
    """The parts of one world."""

    def __init__(
        self,
        loop: HeldLoop,
        store: HeldStore,
        served: ServedJobs,
        workers: int,
        settings: Mapping[str, Any],
        start: datetime,
    ) -> None:
        """Prepare; `live` is its life.

        Args:
            loop: the world's.
            store: empty.
            served: the kinds, and their lifespans.
            workers: how many there are.
            settings: of the workers and the server, by their names.
            start: what the clock shows at first.

        """
        self._loop = loop
        self.clock: HeldTime = HeldTime(loop, store, self, start)
        self._served = served
        self._wanted = workers
        of_workers, of_server = settings_by_process(settings, store.url)
        self._worker_settings = of_workers
        self._runtime = ServerRuntime(of_server)
        self._keys = StoreKeys(of_server.key_prefix)
        ttl_ms, kept = whole_ms(of_workers.result_ttl_s), of_workers.chronicle
        queues = {job.queue for job in served.jobs}
        self._schedules = [(self._keys.root(queue), queue, ttl_ms, kept) for queue in sorted(queues)]
        self._workers: list[HeldWorker] = []
        self._hands: asyncio.TaskGroup | None = None
        self._over = asyncio.Event()
        self._threads: anyio.CapacityLimiter | None = None
        self.news: dict[str, JobNews] = {}

    async def live(self) -> None:
        """Run until `end`."""
        self._loop.set_task_factory(make_task)
        self._threads = anyio.to_thread.current_default_thread_limiter()
        async with self._runtime.running(), asyncio.TaskGroup() as self._hands:
            for _ in range(self._wanted):
                self._hire()
            await self._over.wait()
            for worker in self._workers:
                worker.told.set()

    def end(self) -> None:
        """Have every part leave."""
        self._over.set()

    def _hire(self) -> None:
        assert self._hands is not None
        worker = HeldWorker(self._worker_settings, self._served, Timing(self._loop.time, None))
        self._workers.append(worker)
        self._hands.create_task(worker.serve(), name=f"worker {worker.id}")

    # What held time asks.

    def serving(self) -> bool:
        """Return whether the server knows the kinds, and every worker takes jobs."""
        known = self._runtime.kinds.records.keys() >= {job.kind for job in self._served.jobs}
        return known and all(worker.takes_jobs for worker in self._workers)

    def threads_work(self) -> bool:
        """Return whether a thread works for the program."""
        return (
            self._loop.in_executor > 0
            or (self._threads is not None and self._threads.borrowed_tokens > 0)
            or any(worker.threads_work for worker in self._workers)
        )

    def on_trial(self) -> bool:
        """Return whether a call is the trial of a breaker."""
        return any(worker.on_trial for worker in self._workers)

    def schedules(self) -> Collection[tuple[str, str, int, int]]:
        """Return the queues."""
        return self._schedules

    def living(self) -> Collection[tuple[str, str]]:
        """Return the workers that live."""
        return [(self._keys.worker(worker.id), worker.id) for worker in self._workers]

    def describe(self) -> str:
        """Return what runs and what waits."""
        lines = [f"{one.kind} {one.status} ({_last(one)})" for one in self.news.values() if not one.ended]
        running = [f"{one.kind} runs in a worker" for worker in self._workers for one in worker.attempts]
        if self.threads_work():
            running.append("a thread works, in real time: a handler must not sleep there; replace what it waits for")
        shown = "; ".join([*lines[:10], *running[:10]])
        return f"at {self.clock.now.isoformat()} {shown or 'no job of this test is under way'}"

    # What a test does.

    async def submit(self, body: bytes) -> tuple[JobNews, bool]:
        """Submit; return the job's news, and whether it is an earlier job with the same key.

        Raises:
            ProblemError: it is refused.

        """
        self.clock.tick()
        submission = decode_submission(body, {}, self._runtime.settings.max_depth)
        submitted = self._runtime.jobs.submit(submission, ANYONE, CALLER, lambda token: JobNews(token, submission.kind))
        ack = await submitted.ack
        if ack.duplicate:
            return self.news[ack.token], True
        assert submitted.listener is not None
        submitted.listener.status = ack.status
        news = self.news[ack.token] = submitted.listener
        news.release(ack.seq)
        return news, False

    async def cancel(self, token: str) -> None:
        """Ask that a job stop.

        Raises:
            ProblemError: it has ended.

        """
        self.clock.tick()
        await self._runtime.jobs.cancel(split_token(token), ANYONE)

    async def signal(self, token: str, name: str, value: bytes, key: str | None) -> None:
        """Give a job a signal.

        Raises:
            ProblemError: it has ended, or the name or the value is not allowed.

        """
        self.clock.tick()
        head = signal_head(name, key)
        await self._runtime.jobs.signal(split_token(token), ANYONE, *head, signal_text(value))

    async def steps(self, token: str) -> list[Step]:
        """Return the steps of a saga, with inputs and results."""
        record = await self._runtime.jobs.read(split_token(token), valid(ANYONE))
        found = snapshot(token, record).steps
        return [] if isinstance(found, msgspec.UnsetType) else found

    async def watch(self, token: str) -> JobNews:
        """Follow a job that this test did not submit, such as a child, or one that recurs.

        Raises:
            ProblemError: there is no such job.

        """
        if token not in self.news:
            listener = JobNews(self._runtime.jobs.find(token), "")
            record = await self._runtime.jobs.watch(listener, valid(ANYONE), 0)
            listener.kind, listener.status = record.kind, record.state
            listener.streams.take_snapshot(snapshot(token, record).streams)
            listener.release(record.seq)
            self.news[token] = listener
        return self.news[token]

    async def lose_worker(self) -> None:
        """Lose a worker, the one that runs most; another takes its place."""
        worker = max(self._workers, key=lambda one: len(one.attempts))
        self._workers.remove(worker)
        worker.lose()
        left = {task for task in worker.tasks if task is not asyncio.current_task()}
        if left:
            await asyncio.wait(left)
        self.clock.lose(worker.id)
        self._hire()


def _last(news: JobNews) -> str:
    if not news.events:
        return "no event yet"
    last = news.events[-1]
    return f"last event {last.name} at {last.at}"
