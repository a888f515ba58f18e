"""A checker of the promise: at each moment what a watcher shows is a beginning of what one attempt said.

One job runs by the worker's own attempt and reporter, on a real store. A program says what its handler does in each
attempt. A worker dies at any call of the store: before the store has the call, or after, without the answer. Watchers
follow the job through the hubs of two servers by the client's own bookkeeping; they come, break off without reading
what waits for them, and come back on either server.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import AsyncExitStack
from typing import Any, NamedTuple, cast

import anyio
import msgspec
from anyio.abc import TaskGroup
from redis.asyncio import Redis

from support.timeouts import scaled
from tidings import Context, Job, job
from tidings.client.streams.held_streams import HeldStreams
from tidings.protocol.events import FINAL_STATE
from tidings.protocol.frames.envelope import Envelope
from tidings.protocol.frames.messages import EventFrame, SnapshotFrame
from tidings.protocol.tokens import Token, new_token
from tidings.store.attempts.attempt_store import AttemptReport, AttemptStore, ReadyEntry, Started
from tidings.store.jobs.job_store import JobRecord, JobStore, NewJob
from tidings.store.keys import StoreKeys
from tidings.store.redis.channels import subscription_to
from tidings.store.redis.store_client import Store, open_store
from tidings.store.streams.stream_records import StreamPage
from tidings_server.watch.encoded_frame import EncodedFrame
from tidings_server.watch.hub import Hub
from tidings_server.watch.job_listener import JobListener
from tidings_server.watch.snapshots import snapshot_frame
from tidings_worker.attempt.attempt import Attempt
from tidings_worker.circuit.queue_breakers import QueueBreakers
from tidings_worker.runner.process_pool import ProcessPool
from tidings_worker.runner.runner import Runners
from tidings_worker.settings import WorkerSettings

STREAMS = ("main", "a", "b")


class Act(NamedTuple):
    """One thing that a handler does."""

    what: str
    """`say`, `progress`, or `wait` for a round trip to the store."""
    stream: str = "main"
    times: int = 1


class AttemptPlan(NamedTuple):
    """What one attempt does, and where its worker dies."""

    keeps: dict[str, int]
    """Stream → how many chunks of what it finds there it adopts; more than there are: all."""
    acts: list[Act]
    dies_at: int
    """At which call of the store; the last attempt does not die."""
    is_heard: bool
    """Whether the store has that call: only its answer is lost."""


class Stay(NamedTuple):
    """How one watcher follows for a while."""

    server: int
    frames: int
    """How many frames it reads before it breaks off."""
    pauses: int
    """Round trips to the store that it takes before each: it may be slower than the writer."""


class MortalStore(AttemptStore):
    """A worker's store that ends with its worker at one call."""

    def __init__(self, store: Redis, worker: str, dies_at: int, *, is_heard: bool) -> None:
        super().__init__(store, StoreKeys(), "p", worker)
        self.dead = asyncio.Event()
        self._left = dies_at
        self._is_heard = is_heard

    def _send_reports(self, reports: list[AttemptReport]) -> Any:
        return self._call(super()._send_reports(reports)) if self._reaches() else _never()

    async def read_stream(self, job: str, name: str) -> StreamPage:
        if not self._reaches():
            return await cast("Awaitable[StreamPage]", _never())
        page: StreamPage = await self._call(asyncio.ensure_future(super().read_stream(job, name)))
        return page

    def _reaches(self) -> bool:
        """Count a call; return whether the store gets it."""
        self._left -= 1
        if self._left <= 0:
            was_dead = self.dead.is_set()
            self.dead.set()
            return self._is_heard and not was_dead
        return True

    def _call(self, answer: Any) -> Any:
        return _never() if self.dead.is_set() else answer


def _never() -> "asyncio.Future[Any]":
    return asyncio.get_running_loop().create_future()


class Said:
    """What the attempts of the job have said, stream by stream."""

    def __init__(self) -> None:
        self.lists: dict[str, list[list[str]]] = {name: [[]] for name in STREAMS}
        """Of each attempt that said something, all chunks that it has said or kept."""
        self._number = 0

    def begin(self, stream: str, kept: list[str]) -> None:
        """Take note that an attempt takes a stream over."""
        self.lists[stream].append(list(kept))

    def next(self, stream: str) -> str:
        """Return a chunk that was never said, and take note of it."""
        self._number += 1
        self.lists[stream][-1].append(f"{self._number} ")
        return self.lists[stream][-1][-1]

    def check(self, held: HeldStreams) -> None:
        """What a watcher holds is a beginning of what one attempt said."""
        for name, lists in self.lists.items():
            chunks = held.stream(name).chunks
            assert any(one[: len(chunks)] == chunks for one in lists), (name, chunks, lists)


class Watcher(JobListener):
    """One stay of a watcher at a server: what waits to be read."""

    def __init__(self, token: Token) -> None:
        super().__init__(token)
        self.frames: asyncio.Queue[bytes] = asyncio.Queue()

    def event(self, seq: int, event_class: int, frame: EncodedFrame) -> None:
        self.frames.put_nowait(frame.data)

    def repaired(self, record: JobRecord, after: int) -> None:
        self.frames.put_nowait(snapshot_frame(str(self.token), record, None, after))

    def vanished(self) -> None:
        raise AssertionError("the job is there")


class Trial:
    """One job, its attempts and its watchers."""

    def __init__(self, store: Redis, url: str, plans: list[AttemptPlan]) -> None:
        self.said = Said()
        self.token = new_token("p")
        self.result: Any = None
        self._store = store
        self._url = url
        self._plans = plans
        self._plan = plans[0]
        self._hubs: list[Hub] = []
        self._kind = self._kind_of()

    async def run(self, watchers: list[list[Stay]]) -> None:
        """Run it to its end, with all its watchers."""
        async with AsyncExitStack() as stack:
            enter = stack.enter_async_context
            gateways = [await enter(JobStore(self._store, StoreKeys(), name)) for name in ("g0", "g1", "g2")]
            joining = await enter(AttemptStore(self._store, StoreKeys(), "p", "w"))
            listening = [open_store(self._url, timeout=None) for _ in gateways[1:]]
            for one in listening:
                stack.push_async_callback(one.aclose)
            await joining.join(["standard"])
            tasks = await enter(anyio.create_task_group())
            for gateway, link in zip(gateways[1:], listening, strict=True):
                await self._open_server(gateway, link, tasks)
            await gateways[0].submit("p", NewJob(self.token.id, "trial", "standard", "[]", watch=0))
            async with anyio.create_task_group() as watching:
                for stays in watchers:
                    watching.start_soon(self._watch, stays)
                await self._work()
            self.result = msgspec.json.decode((await gateways[0].read(self.token)).result)
            tasks.cancel_scope.cancel()

    # The worker.

    async def _work(self) -> None:
        last = len(self._plans) - 1
        for number, plan in enumerate(self._plans):
            self._plan = plan
            dies_at = plan.dies_at if number < last else 1_000_000
            worker = MortalStore(self._store, f"w{number}", dies_at, is_heard=plan.is_heard)
            async with worker:
                entries = await (worker.take(["standard"], 1, 1) if number == 0 else worker.take_over("standard", 0, 1))
                if not entries:
                    return  # the attempt before reported its end, and only its worker has not heard that
                (started,) = await worker.start(entries)
                if await self._attempt(worker, entries[0], started):
                    return

    async def _attempt(self, worker: MortalStore, entry: ReadyEntry, started: Started) -> bool:
        """Run an attempt; return whether it lived to its end."""
        envelope = Envelope(kind="trial", input=msgspec.Raw(b"{}"))
        breakers = cast("QueueBreakers", None)
        attempt = Attempt(worker, SETTINGS, self._kind, entry, envelope, started, breakers)
        running = asyncio.create_task(attempt.run(Runners(1, ProcessPool(SETTINGS))))
        dying = asyncio.create_task(worker.dead.wait())
        await asyncio.wait({running, dying}, return_when=asyncio.FIRST_COMPLETED)
        lived = running.done()
        handler = attempt._lifecycle.run
        ends: list[asyncio.Future[Any]] = [running, dying, *([handler.ended] if handler is not None else [])]
        for end in ends:
            end.cancel()
            await asyncio.wait({end})
        await self._store.ping()  # a call that the store has without its answer is written before the next attempt
        return lived

    def _kind_of(self) -> Job[Any, Any]:
        async def trial(ctx: Context) -> AsyncIterator[str]:
            plan, begun = self._plan, set[str]()
            for name, wanted in plan.keeps.items():
                out = ctx.stream(name)
                found = await out.earlier()
                out.keep(min(wanted, len(found)))
                self.said.begin(name, found[:wanted])
                begun.add(name)
            for act in plan.acts:
                if act.what == "say" and act.stream not in begun:
                    self.said.begin(act.stream, [])
                    begun.add(act.stream)
                match act.what:
                    case "say" if act.stream == "main":
                        for _ in range(act.times):
                            yield self.said.next("main")
                    case "say":
                        for _ in range(act.times):
                            await ctx.stream(act.stream).write(self.said.next(act.stream))
                    case "progress":
                        await ctx.progress(0.5)
                    case "wait":
                        for _ in range(act.times):
                            await self._store.ping()
            for name in STREAMS:  # what it has not written is void when it ends well
                if name not in begun:
                    self.said.begin(name, [])

        # However many workers die, the job is tried again.
        made: Job[Any, Any] = job(max_deliveries=100)(trial)
        return made

    # The watchers.

    async def _open_server(self, gateway: JobStore, link: Store, tasks: TaskGroup) -> None:
        ready, name = anyio.Event(), gateway.gateway
        subscription = subscription_to(
            link, self._store, StoreKeys().probe(name), lambda _, data: hub.receive(data), ready.set
        )
        hub = Hub(gateway, subscription, StoreKeys())
        tasks.start_soon(subscription.run)
        await hub.open("p")
        await ready.wait()
        self._hubs.append(hub)

    async def _watch(self, stays: list[Stay]) -> None:
        """Follow the job to its end, and check what a watcher holds after each frame."""
        held, seq, number = HeldStreams(), 0, 0
        with anyio.fail_after(scaled(30)):
            while True:
                stay = stays[number] if number < len(stays) else Stay(number % 2, 1_000_000, 0)
                number += 1
                seq, is_over = await self._stay(stay, held, seq)
                if is_over:
                    break
        for name, lists in self.said.lists.items():
            assert held.stream(name).chunks == lists[-1], name
            assert not held.stream(name).in_doubt

    async def _stay(self, stay: Stay, held: HeldStreams, seq: int) -> tuple[int, bool]:
        hub, watcher = self._hubs[stay.server], Watcher(self.token)
        record = await hub.watch(watcher, seq)
        watcher.frames.put_nowait(snapshot_frame(str(self.token), record, 1, seq))
        watcher.release(record.seq)
        try:
            for _ in range(stay.frames):
                frame = await watcher.frames.get()
                for _ in range(stay.pauses):
                    await self._store.ping()
                seq, is_over = _read(frame, held, seq)
                self.said.check(held)
                if is_over:
                    return seq, True
        finally:
            hub.leave(watcher)
        return seq, False


def _read(data: bytes, held: HeldStreams, seq: int) -> tuple[int, bool]:
    """Take a frame as a client does; return the last number, and whether the job has ended."""
    frame = msgspec.json.decode(data, type=SnapshotFrame | EventFrame)
    if isinstance(frame, SnapshotFrame):
        held.take_snapshot(frame.streams)
        return frame.seq, frame.status in FINAL_STATE.values()
    if frame.seq <= seq:
        return seq, False
    if frame.event in ("chunk", "chunks", "reset"):
        held.take_event(frame.event, msgspec.json.decode(frame.data))
    return frame.seq, frame.event in FINAL_STATE


SETTINGS = WorkerSettings()
