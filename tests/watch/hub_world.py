"""A hub on a real store, with listeners that remember."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import anyio
import anyio.lowlevel
from redis.asyncio import Redis

from support.store import StoreProcess
from support.timeouts import scaled
from tidings.protocol.events import EventClass
from tidings.protocol.states import State
from tidings.protocol.tokens import Token, new_token
from tidings.store.attempts.attempt_store import AttemptOutcome, AttemptReport, AttemptStore
from tidings.store.jobs.job_store import JobRecord, JobStore, NewJob
from tidings.store.keys import StoreKeys
from tidings.store.redis.channels import subscription_to
from tidings.store.redis.store_client import open_store
from tidings_server.watch.encoded_frame import EncodedFrame
from tidings_server.watch.hub import Hub
from tidings_server.watch.job_listener import JobListener


class Ear(JobListener):
    """A listener that remembers."""

    def __init__(self, token: Token) -> None:
        super().__init__(token)
        self.heard: list[int] = []
        self.frames: list[EncodedFrame] = []
        self.snapshots: list[tuple[int, int, list[str]]] = []
        self.lost = False
        self.news = anyio.Event()

    def event(self, seq: int, event_class: int, frame: EncodedFrame) -> None:
        self.heard.append(seq)
        self.frames.append(frame)
        self._wake()

    def repaired(self, record: JobRecord, after: int) -> None:
        self.snapshots.append((after, int(record.seq), [chunk for _, _, chunk in record.chunks]))
        self._wake()

    def vanished(self) -> None:
        self.lost = True
        self._wake()

    def _wake(self) -> None:
        self.news.set()
        self.news = anyio.Event()

    async def until(self, seq: int) -> None:
        """Return when it has been told of everything up to `seq`."""
        with anyio.fail_after(scaled(10)):
            while max([*self.heard, *(snapshot[1] for snapshot in self.snapshots), 0]) < seq:
                await self.news.wait()


@dataclass
class World:
    hub: Hub
    gateway: JobStore
    worker: AttemptStore
    deaf: bool = False
    """While set, what the inbox brings is lost on the way."""
    messages: list[int] = field(default_factory=list)
    """Sizes of what the inbox brought, bytes."""

    async def running_job(self, listener_of: type[Ear] = Ear) -> tuple[Ear, AttemptReport]:
        """Return a listener of a job that has been started (number 2), and its first report."""
        token = new_token("p")
        ear = listener_of(token)
        self.hub.begin(ear)
        await self.gateway.submit("p", NewJob(token.id, "k", "standard", "[]"))
        ear.release(1)
        (entry,) = await self.worker.take(["standard"], 1, 1000)
        (started,) = await self.worker.start([entry])
        await ear.until(2)
        return ear, AttemptReport(token.id, started.fence, 1)

    async def retry(self, report: AttemptReport) -> None:
        """Write that another attempt is to be made: a change of state, of which a record holds what came of it."""
        report.outcome = AttemptOutcome(State.SCHEDULED, event="retrying", delay_ms=60_000)
        await self.worker.report(report)

    async def log(self, report: AttemptReport, chunk: str) -> AttemptReport:
        """Write one log chunk; return the next report."""
        report.events.append((EventClass.LOG, chunk))
        await self.worker.report(report)
        return AttemptReport(report.id, report.fence, report.number + 1)

    async def succeed(self, report: AttemptReport, result: str = "1") -> None:
        """Write the outcome."""
        report.outcome = AttemptOutcome(State.SUCCEEDED, "result", result)
        await self.worker.report(report)


@asynccontextmanager
async def opened(store: Redis, url: str) -> AsyncIterator[World]:
    keys = StoreKeys()
    async with AsyncExitStack() as stack:
        listening = open_store(url, timeout=None)
        stack.push_async_callback(listening.aclose)
        gateway = await stack.enter_async_context(JobStore(store, keys, "g"))
        worker = await stack.enter_async_context(AttemptStore(store, keys, "p", "w"))
        await worker.join(["standard"])

        def receive(_channel: str, data: bytes) -> None:
            world.messages.append(len(data))
            if not world.deaf:
                world.hub.receive(data)

        heard = anyio.Event()
        subscription = subscription_to(listening, store, keys.probe("g"), receive, heard.set)
        world = World(Hub(gateway, subscription, keys), gateway, worker)
        tasks = await stack.enter_async_context(anyio.create_task_group())
        tasks.start_soon(subscription.run)
        await world.hub.open("p")
        await heard.wait()
        yield world
        tasks.cancel_scope.cancel()


def in_world(test: Callable[[World, Redis], Awaitable[None]]) -> Callable[[Redis, StoreProcess], Awaitable[None]]:
    """Run a test inside a world; a fixture could not, as task groups end in the task they began in."""

    async def run(store: Redis, store_process: StoreProcess) -> None:
        async with opened(store, store_process.url) as world:
            await test(world, store)

    return run
