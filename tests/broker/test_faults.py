"""One item's fault is its own: what is wrong with one job, in its question or in the store, costs no other job."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, NamedTuple

import anyio
import msgspec
import pytest
from redis.asyncio import Redis
from structlog.testing import CapturingLogger

from tidings.circuit.breaker_record import BreakerSpec
from tidings.logging.log_limit import LINES, LogLimiter
from tidings.protocol.events import EventClass
from tidings.protocol.problems import problem
from tidings.protocol.tokens import Token, new_token
from tidings.store.admin.dead_letters import DeadLetters
from tidings.store.attempts.attempt_store import AttemptReport, AttemptStore, LeaseRenewal, NextRun
from tidings.store.availability.store_errors import ItemError
from tidings.store.breaker_store import BreakerStore
from tidings.store.breaker_store import CallReport as Calls
from tidings.store.jobs.job_store import JobStore, NewJob
from tidings.store.keys import StoreKeys
from tidings.store.redis.store_client import command
from tidings.store.saga_store import ChildEnd, SagaStore, StepWrite
from tidings_worker.outcome import outcomes

KEYS = StoreKeys()
LARGEST = 2**53 - 1
GOOD, BAD = "good", "bad"

Break = Callable[[Redis, str], Awaitable[Any]]


class World(NamedTuple):
    """A partition, and all that works in it."""

    store: Redis
    gateway: JobStore
    worker: AttemptStore
    sagas: SagaStore


@contextlib.asynccontextmanager
async def world(store: Redis) -> AsyncIterator[World]:
    async with (
        JobStore(store, KEYS, "g") as gateway,
        AttemptStore(store, KEYS, "p", "w") as worker,
        SagaStore(store, KEYS) as sagas,
    ):
        await worker.join(["standard"])
        yield World(store, gateway, worker, sagas)


def field(name: str, value: str | bytes) -> Break:
    async def break_it(store: Redis, job: str) -> None:
        await command(store, "HSET", KEYS.job("p", job), name, value)

    return break_it


def without(*names: str) -> Break:
    async def break_it(store: Redis, job: str) -> None:
        await command(store, "HDEL", KEYS.job("p", job), *names)

    return break_it


async def another_type(store: Redis, job: str) -> None:
    await command(store, "DEL", KEYS.job("p", job))
    await command(store, "SET", KEYS.job("p", job), "what is this")


BREAKS = {
    "another type": another_type,
    "state": field("state", "asleep"),
    "bytes for a state": field("state", b"\xff\xfe"),
    "seq": field("seq", "many"),
    "an endless seq": field("seq", "9" * 400),
    "a seq that Lua writes with an exponent": field("seq", str(10**15)),
    "not a number": field("seq", "nan"),
    "half a seq": field("seq", "1.5"),
    "no seq": without("seq"),
}
BROKEN = pytest.mark.parametrize("break_it", BREAKS.values(), ids=BREAKS)


async def two(world: World, break_it: Break, **fields: Any) -> None:
    """Submit two jobs, and break the first."""
    for job in (BAD, GOOD):
        await world.gateway.submit("p", NewJob(job, "k", "standard", '["k",{}]', **fields))
    await break_it(world.store, BAD)


async def both(bad: "asyncio.Future[Any]", good: "asyncio.Future[Any]") -> Any:
    """Return the answer of the good one, of two that were asked in one call; the other has failed alone."""
    with pytest.raises(ItemError):
        await bad
    return await good


async def running(world: World) -> dict[str, int]:
    """Start what lies there; return the fences."""
    entries = await world.worker.take(["standard"], 10, 1)
    started = await world.worker.start(entries)
    return {entry.id: one.fence for entry, one in zip(entries, started, strict=True)}


@BROKEN
async def test_a_record_that_is_broken_fails_its_own_watch_cancel_signal_and_repetition(
    store: Redis, break_it: Break
) -> None:
    async with world(store) as here:
        await two(here, break_it)
        ask = here.gateway
        bad, good = Token("p", BAD), Token("p", GOOD)
        assert (await both(ask.read(bad), ask.read(good))).state == "queued"
        assert (await both(ask.watch(bad), ask.watch(good))).state == "queued"
        assert await both(ask.signal(bad, "", "s", "", "1"), ask.signal(good, "", "s", "", "1")) == "ok"
        assert await both(ask.cancel(bad), ask.cancel(good)) == "cancelled"


@BROKEN
async def test_a_record_that_is_broken_leaves_the_queue_and_the_others_start(store: Redis, break_it: Break) -> None:
    async with world(store) as here:
        await two(here, break_it)
        fences = await running(here)
        assert fences == {BAD: 0, GOOD: 1}
        assert await command(store, "XLEN", KEYS.ready("p", "standard")) == 1
        if break_it is not another_type:  # as far as it can be told, its watchers are
            record = await here.gateway.read(Token("p", BAD))
            assert (record.state, msgspec.json.decode(record.problem)["code"]) == ("failed", "internal_error")


@BROKEN
async def test_a_record_that_breaks_while_it_runs_fails_its_own_report_and_lease(store: Redis, break_it: Break) -> None:
    async with world(store) as here:
        await two(here, field("kind", "k"))
        fences = await running(here)
        await break_it(store, BAD)
        entry = (await command(store, "HGET", KEYS.job("p", GOOD), "entry")).decode()
        beats = [LeaseRenewal(job, fences[job], "standard", entry) for job in (BAD, GOOD)]
        assert (await here.worker.beat(beats))[1] == "ok"
        once = [here.worker.once(job, fences[job], "a", "1") for job in (BAD, GOOD)]
        answers = await asyncio.gather(*once, return_exceptions=True)
        assert getattr(answers[1], "answer", None) == "ok"
        reports = [AttemptReport(job, fences[job], 1) for job in (BAD, GOOD)]
        for report in reports:
            report.outcome = outcomes.succeeded(b"1")
        told = await asyncio.gather(*map(here.worker.report, reports), return_exceptions=True)
        assert told[0] == "lost" or isinstance(told[0], ItemError)
        assert told[1] == "ok"
        assert (await here.gateway.read(Token("p", GOOD))).state == "succeeded"


@BROKEN
async def test_a_record_that_is_broken_holds_up_nothing_that_is_due(store: Redis, break_it: Break) -> None:
    async with world(store) as here:
        await two(here, break_it, delay_ms=60_000)
        for job in (BAD, GOOD):
            await command(store, "ZADD", KEYS.scheduled("p"), 1, job)
        moved, wait_ms = await here.worker.promote()
        assert (moved, wait_ms) == (2, -1)
        assert (await here.gateway.read(Token("p", GOOD))).state == "queued"


@BROKEN
async def test_a_record_that_is_broken_stops_no_sweep(store: Redis, break_it: Break) -> None:
    async with world(store) as here:
        await two(here, break_it)
        await command(store, "XDEL", KEYS.ready("p", "standard"), *await entries_of(store))
        cursor, lost = "0", 0
        while True:
            swept = await here.worker.sweep(["standard"], [], 3600, cursor)
            cursor, lost = swept.cursor, lost + swept.lost
            if cursor == "0":
                break
        assert (await here.gateway.read(Token("p", GOOD))).state == "failed"


async def entries_of(store: Redis) -> list[bytes]:
    return [entry for entry, _ in await command(store, "XRANGE", KEYS.ready("p", "standard"), "-", "+")]


@BROKEN
async def test_a_record_that_is_broken_fails_its_own_steps_and_journal(store: Redis, break_it: Break) -> None:
    async with world(store) as here:
        await two(here, field("kind", "k"))
        fences = await running(here)
        head = '{"status":"running","name":"s","type":"call","child":"p.c"'
        await asyncio.gather(*(here.sagas.write("p", StepWrite(job, fences[job], "1", head)) for job in (BAD, GOOD)))
        await break_it(store, BAD)
        writes = [here.sagas.write("p", StepWrite(job, fences[job], "2", head)) for job in (BAD, GOOD)]
        wrote = await asyncio.gather(*writes, return_exceptions=True)
        assert getattr(wrote[1], "answer", None) == "ok"
        journals = [here.sagas.read("p", job, fences[job]) for job in (BAD, GOOD)]
        read = await asyncio.gather(*journals, return_exceptions=True)
        assert getattr(read[1], "answer", None) == "ok"
        ends = [here.sagas.wake("p", ChildEnd(job, "1", "p.c", 1, 0, "1")) for job in (BAD, GOOD)]
        woke = await asyncio.gather(*ends, return_exceptions=True)
        assert woke[1] == "ok"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("submitted", "yesterday"),
        ("submitted", "9" * 15),
        ("finished", "-1"),
        ("started", "1e3"),
        ("attempt", "first"),
        ("log_from", "0x10"),
        ("result", '{"half":'),
        ("progress", b"\xff"),
        ("problem", "no JSON"),
        ("kind", b"\xc3("),
        ("owner", b"\x80"),
        ("correlation_id", b"\xf0\x28"),
    ],
)
async def test_a_field_that_no_client_could_be_shown_fails_its_own_answer(
    store: Redis, name: str, value: str | bytes
) -> None:
    async with world(store) as here:
        await two(here, field(name, value))
        assert (await both(here.gateway.read(Token("p", BAD)), here.gateway.read(Token("p", GOOD)))).kind == "k"


async def test_log_and_steps_that_are_broken_fail_their_own_answers(store: Redis) -> None:
    async with world(store) as here:
        await two(here, field("logged", "5"))
        ask = here.gateway
        await command(store, "XADD", KEYS.log("p", BAD), "5-0", "at", "1", "chunk", "{")
        assert (await both(ask.read(Token("p", BAD)), ask.read(Token("p", GOOD)))).state == "queued"
        await command(store, "DEL", KEYS.log("p", BAD))
        await command(store, "SET", KEYS.log("p", BAD), "no stream")
        assert (await both(ask.read(Token("p", BAD)), ask.read(Token("p", GOOD)))).state == "queued"
        await field("saga", "1")(store, BAD)
        await without("logged")(store, BAD)
        await command(store, "HSET", KEYS.steps("p", BAD), "1", '{"status":"odd"}')
        assert (await both(ask.read(Token("p", BAD)), ask.read(Token("p", GOOD)))).state == "queued"


async def test_the_largest_number_of_an_event_disturbs_no_other_job(store: Redis) -> None:
    async with world(store) as here:
        await two(here, field("logged", "1"))
        await command(store, "XADD", KEYS.log("p", BAD), "5-0", "at", "1", "chunk", "1")
        for ask in (here.gateway.read, here.gateway.watch):
            asked = [ask(Token("p", job), after) for job in (BAD, GOOD) for after in (LARGEST, 10**15, 0)]
            records = await asyncio.gather(*asked)
            assert [one.state for one in records] == ["queued"] * 6
            assert [len(one.chunks) for one in records] == [0, 0, 1, 0, 0, 0]


async def test_what_no_message_can_hold_fails_alone_and_the_gatherer_goes_on(store: Redis) -> None:
    async with world(store) as here:
        unsendable = [
            NewJob(new_token("p").id, "k", "standard", "[]", owner="\ud800"),
            NewJob(new_token("p").id, "k", "standard", "[]", deadline_ms=10**400),
        ]
        good = NewJob(GOOD, "k", "standard", "[]")
        asked = [here.gateway.submit("p", job) for job in (unsendable[0], good, unsendable[1])]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert [type(one) for one in answers] == [ItemError, type(answers[1]), ItemError]
        assert getattr(answers[1], "answer", None) == "new"
        assert (await here.gateway.read(Token("p", GOOD))).state == "queued"


async def test_a_report_that_cannot_be_sent_fails_alone(store: Redis) -> None:
    async with world(store) as here:
        await two(here, field("kind", "k"))
        fences = await running(here)
        reports = [AttemptReport(job, fences[job], 1) for job in (BAD, GOOD)]
        for report in reports:
            report.outcome = outcomes.succeeded(b"1")
        reports[0].events.append((EventClass.PROGRESS, '"\ud800"'))
        told = await asyncio.gather(*map(here.worker.report, reports), return_exceptions=True)
        assert isinstance(told[0], ItemError)
        assert told[1] == "ok"


async def test_an_entry_that_is_none_of_ours_is_dropped(store: Redis) -> None:
    async with world(store) as here:
        stream = KEYS.ready("p", "standard")
        await command(store, "XADD", stream, "*", "hello", "world")
        await command(store, "XADD", stream, "*", "id", b"\xff", "env", b"\xff")
        await here.gateway.submit("p", NewJob(GOOD, "k", "standard", "[]"))
        assert await here.worker.take(["standard"], 10, 1)  # and not started: its worker is lost
        taken = await here.worker.take_over("standard", 0, 10)
        started = await here.worker.start(taken)
        assert [one.go for one in started] == [0, 0, 1]
        assert await command(store, "XLEN", stream) == 1
        assert (await command(store, "XRANGE", stream, "-", "+"))[0][1][b"id"] == GOOD.encode()


async def test_counts_that_several_share_and_that_are_none_begin_again(store: Redis) -> None:
    async with world(store) as here:
        for key, name in (
            (KEYS.callers("p"), "c"),
            (KEYS.caller_bytes("p"), "c"),
            (KEYS.flow("p", "standard"), "rate"),
            (KEYS.flow("p", "standard"), "since"),
            (KEYS.flow("p", "standard"), "aside"),
            (KEYS.flow("p", "standard"), "lanes"),
            (KEYS.flow("p", "standard"), "direct"),
        ):
            await command(store, "HSET", key, name, "what is this")
        answer = await here.gateway.submit("p", NewJob(GOOD, "k", "standard", "[]", caller="c"))
        assert answer.answer == "new"
        assert (await running(here))[GOOD] == 1
        report = AttemptReport(GOOD, 1, 1)
        report.outcome = outcomes.succeeded(b"1")
        assert await here.worker.report(report) == "ok"
        assert await command(store, "HLEN", KEYS.callers("p")) == 0


async def test_a_recurring_kind_s_record_that_is_broken_costs_no_other_kind_its_run(store: Redis) -> None:
    async with world(store) as here:
        await command(store, "HSET", KEYS.recurring("p"), "a", "gibberish")
        await command(store, "SET", KEYS.job("p", "no-hash"), "x")
        await command(store, "HSET", KEYS.recurring("p"), "b", "1 no-hash every 1 s")
        ticks = [NextRun(kind, 4_000_000_000_000, "every 9 s", f"job-{kind}", "standard", "[]") for kind in "abc"]
        await here.worker.recur(ticks)
        made = {job.decode() for job in await command(store, "ZRANGE", KEYS.scheduled("p"), 0, -1)}
        assert {"job-a", "job-c"} <= made


@pytest.mark.parametrize("record", [b"", b"\xc1", b"\x93\x01\x02\x03", msgspec.msgpack.encode({"state": "open"})])
async def test_a_breaker_s_record_that_is_broken_is_replaced_and_the_others_go_on(store: Redis, record: bytes) -> None:
    async with BreakerStore(store, KEYS) as breakers:
        await command(store, "SET", KEYS.breaker("bad"), record)
        await command(store, "SADD", KEYS.breakers, "bad")
        spec = BreakerSpec()
        reports = [breakers.report(Calls(name, spec, 0, 1)) for name in ("bad", "good")]
        assert [one.answer for one in await asyncio.gather(*reports)] == ["ok", "ok"]


async def test_a_letter_that_is_broken_can_be_seen_and_costs_no_other_its_replay(store: Redis) -> None:
    async with world(store) as here:
        await two(here, field("kind", "k"))
        fences = await running(here)
        for job in (BAD, GOOD):
            report = AttemptReport(job, fences[job], 1)
            report.outcome = outcomes.failed(problem("rejected", "no"))
            await here.worker.report(report)
        dead = DeadLetters(store, KEYS, "p")
        await command(store, "XADD", KEYS.dead("p"), "*", "id", b"\xff", "seq", "x", "history", "{", "problem", "[")
        await command(store, "XADD", KEYS.dead("p"), "*", "nothing", "here")
        letters = [letter async for letter in dead.scan()]
        assert len(letters) == 4
        answers = await dead.replay([letter.entry for letter in letters] + ["no entry"])
        assert sorted(answers) == ["broken", "broken", "broken", "queued", "queued"]
        assert await dead.drop([letters[3].entry, "no entry"]) == ["dropped", "broken"]


async def test_log_lines_about_broken_records_are_limited(store: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    logger = CapturingLogger()
    monkeypatch.setattr("tidings.store.attempts.attempt_store._log", LogLimiter(logger))
    async with world(store) as here:
        for number in range(200):
            job = f"bad-{number}"
            await here.gateway.submit("p", NewJob(job, "k", "standard", "[]"))
            await command(store, "HSET", KEYS.job("p", job), "seq", "x")
        taken = await here.worker.take(["standard"], 200, 1)
        with anyio.fail_after(60):
            await here.worker.start(taken)
    assert [call.args for call in logger.calls] == [("record_broken",)] * LINES
