"""What servers, workers and operators do to a real store, each beside what a plain model says of it.

The model is a dictionary of jobs (model_job.py). Each rule does one thing to the store and to the model, and compares
the answers.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from typing import Any

import anyio
import anyio.lowlevel
import msgspec
from anyio.from_thread import start_blocking_portal
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, multiple, rule

from model.model_job import Held, ModelJob
from support.timeouts import scaled
from support.waiting import until_async
from tidings.protocol.events import EventClass
from tidings.protocol.problems import problem
from tidings.protocol.states import REPLAY, TERMINAL, State
from tidings.protocol.tokens import Token, new_token, split_token
from tidings.store.admin.dead_letters import DeadLetters
from tidings.store.attempts.attempt_store import (
    AttemptOutcome,
    AttemptReport,
    AttemptStore,
    LeaseRenewal,
    ReadyEntry,
    Unserved,
)
from tidings.store.jobs.job_store import JobStore, JobStoreOptions, NewJob
from tidings.store.keys import StoreKeys
from tidings.store.redis.channels import subscription_to
from tidings.store.redis.store_client import command, open_store

PARTITION = "p"
WORKERS = ("w1", "w2")
MAX_PER_CALLER = 3
UNSERVED = Unserved("k", 1)
LINE = StoreKeys().unserved(PARTITION, "standard/k@1")
SCHEDULED = StoreKeys().scheduled(PARTITION)
READY = StoreKeys().ready(PARTITION, "standard")
DEADLINES = StoreKeys().deadlines(PARTITION)
FLOW = StoreKeys().flow(PARTITION, "standard")
ENVELOPE = '["k",{}]'
VALUES = {"result": "{}", "problem": msgspec.json.encode(problem("handler_error", "as told")).decode()}
WAITING = (State.QUEUED, State.SCHEDULED)
decode_inbox = msgspec.msgpack.Decoder(list[tuple[str, int, int, str]]).decode


class BrokerRules(RuleBasedStateMachine):
    url: str
    jobs = Bundle("jobs")
    held = Bundle("held")
    failed = Bundle("failed")

    def __init__(self) -> None:
        super().__init__()
        self.model: dict[str, ModelJob] = {}
        self.keys_used: dict[str, tuple[str, str]] = {}
        self.stack = ExitStack()
        self.portal = self.stack.enter_context(start_blocking_portal())
        self.stack.enter_context(self.portal.wrap_async_context_manager(self._world()))

    def run(self, function: Callable[..., Any], *args: Any) -> Any:
        """Call in the event loop's thread; a future is waited for."""

        async def call() -> Any:
            with anyio.fail_after(scaled(10)):
                return await function(*args)

        return self.portal.call(call)

    @asynccontextmanager
    async def _world(self) -> AsyncIterator[None]:
        keys = StoreKeys()
        async with AsyncExitStack() as stack:
            self.store = open_store(self.url)
            stack.push_async_callback(self.store.aclose)
            await self.store.flushall()
            listening = open_store(self.url, timeout=None)
            stack.push_async_callback(listening.aclose)
            self.dead = DeadLetters(self.store, keys, PARTITION)
            self.gateway = await stack.enter_async_context(
                JobStore(self.store, keys, "g", JobStoreOptions(max_backlog_per_caller=MAX_PER_CALLER))
            )
            self.workers = {
                name: await stack.enter_async_context(AttemptStore(self.store, keys, PARTITION, name))
                for name in WORKERS
            }
            await self.workers["w1"].join(["standard"])
            subscription = subscription_to(listening, self.store, keys.probe("g"), self._hear, lambda: None)
            tasks = await stack.enter_async_context(anyio.create_task_group())
            tasks.start_soon(subscription.run)
            await subscription.add(keys.inbox(PARTITION, "g"))
            yield
            tasks.cancel_scope.cancel()

    def _hear(self, _channel: str, data: bytes) -> None:
        for token, seq, _event_class, frame in decode_inbox(data):
            event = msgspec.json.decode(frame)
            assert event["seq"] == seq
            assert event["token"] == token
            model = self.model[split_token(token).id]
            model.heard.append(seq)
            model.streams.hear(event)

    async def settle(self) -> None:
        """Wait for what is published: before the script's reply, on a connection read by another task."""
        await until_async(lambda: all(len(model.heard) >= model.seq - 1 for model in self.model.values()), pause_s=0)

    def teardown(self) -> None:
        self.stack.close()

    # What gateways do.

    @rule(
        target=jobs,
        key=st.sampled_from(["", "", "a", "b"]),
        payload=st.sampled_from(["x", "y"]),
        delay=st.sampled_from([0, 0, 0, 3_600_000]),
        caller=st.sampled_from(["", "c1", "c2"]),
        unique=st.sampled_from(["", "", "k:u"]),
        deadline=st.sampled_from([0, 0, 3_600_000]),
    )
    def submit(self, key: str, payload: str, delay: int, caller: str, unique: str, deadline: int = 0) -> str:
        id_ = new_token(PARTITION).id
        job = NewJob(
            id_, "k", "standard", ENVELOPE, delay_ms=delay, deadline_ms=deadline, key=key, fingerprint=payload,
            caller=caller, unique=unique, watch=1,
        )  # fmt: skip
        answer = self.run(self.gateway.submit, PARTITION, job)
        known = self.keys_used.get(key)
        if known is not None and known[1] != payload:
            assert answer.answer == "reused"
            return known[0]
        if known is not None:
            assert (answer.answer, answer.id) == ("duplicate", known[0])
            assert answer.state == self.model[known[0]].state
            return known[0]
        holder = self.holder(unique)
        if holder is not None:
            assert (answer.answer, answer.id) == ("duplicate", holder)
            if key:
                self.keys_used[key] = (holder, payload)
            return holder
        if self.live(caller) >= MAX_PER_CALLER and caller:
            assert (answer.answer, answer.position) == ("crowded", self.live(caller))
            return next(iter(self.model))
        assert (answer.answer, answer.id) == ("new", id_)
        self.model[id_] = ModelJob(State.SCHEDULED if delay else State.QUEUED, caller, unique)
        self.model[id_].deadline = bool(deadline)
        if key:
            self.keys_used[key] = (id_, payload)
        return id_

    def live(self, caller: str) -> int:
        """Return how many jobs of a caller live."""
        return sum(model.caller == caller and model.state not in TERMINAL for model in self.model.values())

    def holder(self, unique: str) -> str | None:
        """Return the live job that holds a unique value."""
        held = (id_ for id_, model in self.model.items() if model.unique == unique and model.state not in TERMINAL)
        return next(held, None) if unique else None

    @rule(job=jobs)
    def cancel(self, job: str) -> None:
        answer = self.run(self.gateway.cancel, Token(PARTITION, job))
        model = self.model[job]
        if model.state in TERMINAL:
            assert answer == "finished"
        elif model.state is State.RUNNING:
            assert answer == "asked"
            model.cancel = True
        else:
            assert answer == "cancelled"
            model.go(State.CANCELLED)

    # What workers do.

    @rule(target=held, worker=st.sampled_from(WORKERS))
    def take_and_start(self, worker: str) -> Held | None:
        entries = self.run(self.workers[worker].take, ["standard"], 1, 0)
        return self._start(worker, entries)

    @rule(target=held, worker=st.sampled_from(WORKERS))
    def take_over_what_is_idle(self, worker: str) -> Held | None:
        return self._start(worker, self.run(self.workers[worker].take_over, "standard", 0, 1))

    @rule(worker=st.sampled_from(WORKERS), is_idle=st.booleans())
    def take_and_put_into_line(self, worker: str, is_idle: bool) -> None:
        """Have a worker that does not serve the kind read a job, or take one over."""
        store = self.workers[worker]
        entries = self.run(store.take_over, "standard", 0, 1) if is_idle else self.run(store.take, ["standard"], 1, 0)
        if not entries:
            return
        (answer,) = self.run(store.start, entries, "", None, None, {0: UNSERVED})
        assert not answer.go
        model = self.model[entries[0].id]
        if model.state in TERMINAL:
            return
        if model.cancel:
            model.go(State.CANCELLED)
            return
        if model.state is State.RUNNING:
            model.lost += 1
            model.fence += 1
            model.past.append((model.attempt, "lost"))
        model.state, model.aside = State.QUEUED, True
        model.seq += 1

    @rule(target=held, worker=st.sampled_from(WORKERS))
    def take_out_of_line(self, worker: str) -> Held | None:
        waiting = [id_ for id_, model in self.model.items() if model.aside]
        entries = self.run(self.workers[worker].take_unserved, ["standard"], {"k": (1, 1)}, 1)
        assert [entry.id in waiting for entry in entries] == [True] * min(len(waiting), 1)
        for entry in entries:
            self.model[entry.id].aside = False
        return self._start(worker, entries)

    def _start(self, worker: str, entries: list[ReadyEntry]) -> Held | None:
        if not entries:
            return None
        call = self.workers[worker].new_call()
        (started,) = self.run(self.workers[worker].start, entries, call)
        if started.go:  # its reply may be lost, and the call repeated
            (again,) = self.run(self.workers[worker].start, entries, call)
            assert msgspec.structs.replace(again, remaining_ms=started.remaining_ms) == started
        model = self.model[entries[0].id]
        if model.state in TERMINAL:
            assert not started.go
            return None
        if model.cancel:  # its worker was lost before it could obey
            assert not started.go
            model.go(State.CANCELLED)
            return None
        assert started.go
        if model.state is State.RUNNING:
            model.lost += 1
            model.past.append((model.attempt, "lost"))
            model.state = State.QUEUED
        model.go(State.RUNNING)
        model.fence += 1
        model.attempt += 1
        model.reported = 0
        assert (started.fence, started.attempt, started.lost) == (model.fence, model.attempt, model.lost)
        return Held(worker, entries[0], started.fence)

    @rule(
        held=held,
        number=st.integers(1, 3),
        chunks=st.lists(st.sampled_from(['"a"', '"b"']), max_size=2),
        end=st.sampled_from([None, State.SUCCEEDED, State.FAILED, State.SCHEDULED, State.QUEUED]),
        aside=st.booleans(),
    )
    def report(self, held: Held | None, number: int, chunks: list[str], end: State | None, aside: bool = False) -> None:
        if held is None:
            return
        model = self.model[held.entry.id]
        report = AttemptReport(held.entry.id, held.fence, number)
        for chunk in chunks:
            report.events.append((EventClass.LOG, chunk))
        if end is not None:
            name = {State.SUCCEEDED: "result", State.FAILED: "problem", State.SCHEDULED: "problem"}.get(end, "")
            report.outcome = AttemptOutcome(
                end, name, VALUES.get(name, ""), delay_ms=3_600_000 if end is State.SCHEDULED else 0,
                uncounted=int(end is State.QUEUED), unserved=UNSERVED if aside and end is State.QUEUED else False,
            )  # fmt: skip
        answer = self.run(self.workers[held.worker].report, report)
        if held.fence == model.fence and number <= model.reported:
            assert answer == "done"
        elif held.fence != model.fence or model.state is not State.RUNNING:
            assert answer == "lost"
        else:
            assert answer == ("cancel" if model.cancel else "ok")
            self._written(model, report, end, aside=aside)

    def _written(self, model: ModelJob, report: AttemptReport, end: State | None, *, aside: bool) -> None:
        chunks = [event[1] for event in report.events if isinstance(event, tuple)]
        model.reported = report.number
        model.seq += len(chunks)
        model.log += chunks
        if end is None:
            return
        if model.cancel and end not in TERMINAL:
            end = State.CANCELLED
        model.go(end)
        if end is State.QUEUED:
            model.attempt -= 1
            model.aside = aside
        if end in (State.FAILED, State.SCHEDULED):
            model.past.append((model.attempt, "failed" if end is State.FAILED else "retrying"))

    @rule(target=failed, worker=st.sampled_from(WORKERS), cancel_first=st.booleans())
    def submit_take_and_fail(self, worker: str, cancel_first: bool) -> Any:
        """Go the way to a dead letter in one step: by chance alone it is rarely gone to its end."""
        self.submit("", "x", 0, "", "")
        held = self._start(worker, self.run(self.workers[worker].take, ["standard"], 1, 0))
        if held is None:
            return multiple()
        if cancel_first:
            self.cancel(held.entry.id)
        self.report(held, 1, ['"a"'], State.FAILED)
        return held.entry.id

    @rule(held=held)
    def beat(self, held: Held | None) -> None:
        if held is None:
            return
        beat = LeaseRenewal(held.entry.id, held.fence, held.entry.tier, held.entry.entry)
        (answer,) = self.run(self.workers[held.worker].beat, [beat])
        model = self.model[held.entry.id]
        if model.state is not State.RUNNING or held.fence != model.fence:
            assert answer == "lost"
        else:
            assert answer == ("cancel" if model.cancel else "ok")

    @rule()
    def everything_scheduled_becomes_due(self) -> None:
        """The clock cannot be turned; what was due in an hour is made due now."""

        async def hurry() -> tuple[int, int]:
            for job in await command(self.store, "ZRANGE", SCHEDULED, 0, -1):
                await command(self.store, "ZADD", SCHEDULED, 0, job)
            return await self.workers["w1"].promote()

        moved, _ = self.run(hurry)
        due = [model for model in self.model.values() if model.state is State.SCHEDULED]
        assert moved == len(due)
        for model in due:
            model.go(State.QUEUED)

    @rule()
    def every_deadline_passes_of_what_waits(self) -> None:
        waiting = {id_: one for id_, one in self.model.items() if one.deadline and one.state in WAITING}

        async def hurry() -> None:
            for job in waiting:
                await command(self.store, "HSET", StoreKeys().job(PARTITION, job), "deadline", 1)
                await command(self.store, "ZADD", DEADLINES, 1, job)
            await self.gateway.expire(PARTITION, 1000)

        self.run(hurry)
        for model in waiting.values():
            model.go(State.EXPIRED)

    # What operators do.

    @rule(job=jobs)
    def delete_its_entry(self, job: str) -> None:
        model = self.model[job]

        async def sweep() -> None:
            entry = await command(self.store, "HGET", StoreKeys().job(PARTITION, job), "entry")
            if entry is not None:
                place, _, lane = entry.decode().partition("/")
                await command(self.store, "XDEL", f"{READY}/{lane}" if lane else READY, place)
            for _ in range(2):  # one that runs is looked at twice: its worker may live
                swept = await self.workers["w1"].sweep(["standard"], list(WORKERS), 0, "0")
                while swept.cursor != "0":
                    swept = await self.workers["w1"].sweep(["standard"], list(WORKERS), 0, swept.cursor)

        self.run(sweep)
        if model.state in (State.QUEUED, State.RUNNING) and not model.aside:  # one that stands aside has no entry
            model.state, model.vanished = State.FAILED, True
            model.seq += 1

    @rule(job=st.one_of(jobs, failed), record_left=st.booleans())
    def replay(self, job: str, record_left: bool) -> None:
        model = self.model[job]
        letter = self.run(self.dead.find, job).get(job)
        assert (letter is not None) == (model.state in REPLAY and not model.vanished)
        if letter is None:
            return
        assert (letter.kind, letter.attempt, letter.replays) == ("k", model.attempt, model.replays)
        assert [(one.attempt, one.event) for one in letter.history] == model.past
        if self.holder(model.unique) is not None:
            assert self.run(self.dead.replay, [letter.entry]) == ["held"]
            return
        if record_left:
            keys = StoreKeys()
            chunks = (keys.chunks(PARTITION, job, name) for name in model.streams.by_name)
            self.run(command, self.store, "DEL", keys.job(PARTITION, job), keys.log(PARTITION, job), *chunks)
            assert self.run(self.dead.find, job) == {job: letter}
            model.log = []
            model.streams.lose()
        assert self.run(self.dead.replay, [letter.entry, letter.entry]) == ["queued", "gone"]
        model.state, model.attempt, model.lost, model.cancel = State.QUEUED, 0, 0, False
        model.deadline = False
        model.seq += 1
        model.replays += 1
        record = self.run(self.gateway.watch, Token(PARTITION, job))
        assert record.seq == model.seq
        model.heard.append(model.seq)  # by the snapshot: the watch before had ended
        model.streams.come_back(model.streams.live, Token(PARTITION, job), record)
