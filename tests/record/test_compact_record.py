"""The compact record of a job that succeeded: all who read records read it, and find what they find in a hash."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from record.records import DONE, KEYS, LOG, PROGRESS, Records, records
from support.store import StoreProcess
from tidings.protocol.events import EventClass
from tidings.protocol.states import State
from tidings.protocol.tokens import Token
from tidings.store.admin.dead_letters import DeadLetters
from tidings.store.admin.job_detail import read_job_internals
from tidings.store.admin.job_listing import JobListing
from tidings.store.answers import CancelAnswer, ForgetAnswer, SignalAnswer
from tidings.store.attempts.attempt_records import LeaseRenewal
from tidings.store.attempts.attempt_store import AttemptOutcome
from tidings.store.jobs.job_store import NewJob
from tidings.store.jobs.owned_jobs import OwnedFilter, OwnedJobs
from tidings.store.jobs.ownership import JobOwnership, OwnershipReader
from tidings.store.redis.store_client import command, open_store
from tidings.store.streams.stream_records import STREAM, StreamChunks

TIMES = ("submitted", "enqueued", "dequeued", "started", "finished")
FULL: dict[str, Any] = {
    "owner": "alice", "caller": "alice", "tags": "red blue", "correlation_id": "c-1", "traceparent": "00-1-2-01",
    "deadline_ms": 60_000, "version": 3, "unique": "k:5:alice:1",
}  # fmt: skip


def without_times(record: Any) -> dict[str, Any]:
    """Return what a record says beside times."""
    said = msgspec.structs.asdict(record)
    return {name: value for name, value in said.items() if name not in (*TIMES, "chunks")}


async def said_of(world: Records, token: Token) -> dict[str, Any]:
    """Return what each reader says of a job, beside its id and times."""
    store = world.store
    internals = await read_job_internals(store, KEYS, token)
    listed = await OwnedJobs(store, KEYS).page("alice", ["p"], OwnedFilter(tag="red", state="succeeded"), 10)
    (row,) = [msgspec.structs.replace(one.row, id="", at_us=0, submitted="", finished="") for one in listed.jobs]
    snapshot = await world.gateway.read(token)
    return {
        "snapshot": without_times(snapshot),
        "chunks": [(seq, text) for seq, _, text in snapshot.chunks],
        "later chunks": [seq for seq, _, _ in (await world.gateway.read(token, after=snapshot.seq - 2)).chunks],
        "internals": msgspec.structs.replace(internals, deadline="", due=None),
        "deadline": internals.deadline.isdigit(),
        "listed": row,
        "ownership": await OwnershipReader(store, KEYS).read(token),
        "cancel": (await world.gateway.cancel(token, "alice"), await world.gateway.cancel(token, "bob")),
        "signal": await world.gateway.signal(token, "alice", "go", "", "1"),
        "letters": await DeadLetters(store, KEYS, "p").find(token.id),
    }


async def test_every_reader_finds_in_a_compact_record_what_it_finds_in_a_hash(store: Redis) -> None:
    said = []
    async with records(store) as world:
        for worker, form in ((world.compact, "string"), (world.plain, "hash")):
            await store.flushdb()
            await world.compact.join(["standard"])
            token = await world.succeed(DONE, [PROGRESS, LOG, LOG], worker, **FULL)
            assert await world.form(token) == form
            said.append(await said_of(world, token))
    assert said[0] == said[1]
    assert said[0]["snapshot"]["result"] == '{"ok":true}'
    assert said[0]["cancel"] == (CancelAnswer.FINISHED, CancelAnswer.UNKNOWN)
    assert said[0]["signal"] == SignalAnswer.FINISHED
    assert len(said[0]["chunks"]) == 2


async def test_the_milestones_are_those_of_the_job(store: Redis) -> None:
    async with records(store) as world:
        token = await world.submit()
        begun = await world.start()
        before = await world.gateway.read(token)
        assert await world.report(begun, DONE) == "ok"
        after = await world.gateway.read(token)
        assert [getattr(after, name) for name in TIMES[:4]] == [getattr(before, name) for name in TIMES[:4]]
        assert after.finished == world.compact.reported_ms


async def test_a_clock_that_was_set_back_is_kept_as_it_was(store: Redis) -> None:
    async with records(store) as world:
        token = await world.submit()
        begun = await world.start()
        await command(store, "HSET", KEYS.job("p", token.id), "submitted", 2_000_000_000_000)
        assert await world.report(begun, DONE) == "ok"
        assert await world.form(token) == "string"
        record = await world.gateway.read(token)
        assert record.submitted == 2_000_000_000_000
        assert record.finished == world.compact.reported_ms


TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40)


@settings(max_examples=25, deadline=None)
@given(owner=TEXTS, caller=TEXTS, correlation=TEXTS, result=st.recursive(st.none() | TEXTS, st.lists, max_leaves=20))
async def test_texts_come_back_as_they_were(
    store_process: StoreProcess, owner: str, caller: str, correlation: str, result: Any
) -> None:
    text = msgspec.json.encode(result).decode()
    store = open_store(store_process.url)
    try:
        await store.flushall()
        async with records(store) as world:
            outcome = AttemptOutcome(State.SUCCEEDED, "result", text)
            token = await world.succeed(outcome, owner=owner, caller=caller, correlation_id=correlation)
            record = await world.gateway.read(token)
            assert (record.owner, record.correlation_id, record.result) == (owner, correlation, text)
            assert (await read_job_internals(store, KEYS, token)).caller == caller
            assert await OwnershipReader(store, KEYS).read(token) == JobOwnership(owner, ())
            assert await world.form(token) == "string"
    finally:
        await store.aclose()


async def test_a_large_result_is_measured_before_it_is_read(store: Redis) -> None:
    async with records(store) as world:
        large = AttemptOutcome(State.SUCCEEDED, "result", f'"{"x" * 100_000}"')
        token = await world.succeed(large)
        assert await world.form(token) == "string"
        assert (await world.gateway.read(token)).result_json == large.value.encode()
        assert (await world.gateway.watch(token)).result_json == large.value.encode()
        assert not (await world.gateway.unwatch(token)).state


async def test_a_report_that_is_sent_again_was_taken_before(store: Redis) -> None:
    async with records(store) as world:
        await world.submit()
        begun = await world.start()
        assert await world.report(begun, DONE) == "ok"
        assert await world.report(begun, DONE) == "done"
        assert await world.report(begun, None, [PROGRESS], number=2) == "lost"
        renewal = LeaseRenewal(begun.entry.id, begun.started.fence, "standard", begun.entry.entry)
        assert await world.compact.beat([renewal]) == ["lost"]
        assert (await world.compact.once(begun.entry.id, begun.started.fence, "memo", "1")).answer == "lost"
        (again,) = await world.plain.start([begun.entry])
        assert not again.go


async def test_a_submission_with_the_same_key_finds_it(store: Redis) -> None:
    async with records(store) as world:
        token = await world.succeed(key="k:0::1", fingerprint="f")
        reply = await world.gateway.submit("p", NewJob("x" * 22, "k", "standard", "[]", key="k:0::1", fingerprint="f"))
        assert (reply.answer, reply.id, reply.state, reply.seq) == ("duplicate", token.id, "succeeded", 3)


async def test_its_unique_value_and_its_place_among_the_callers_jobs_are_free(store: Redis) -> None:
    async with records(store) as world:
        await world.succeed(**FULL, unique_ms=60_000)
        assert await command(store, "HLEN", KEYS.callers("p")) == 0
        assert await command(store, "HLEN", KEYS.caller_bytes("p")) == 0
        assert await command(store, "ZCARD", KEYS.deadlines("p")) == 0
        await world.succeed(**FULL)


async def test_it_leaves_after_its_time_and_when_it_is_forgotten(store: Redis) -> None:
    async with records(store) as world:
        token = await world.succeed(events=[LOG], **FULL)
        left_ms = await command(store, "PTTL", KEYS.job("p", token.id))
        assert 86_300_000 < left_ms <= 86_400_000
        lists = OwnedJobs(store, KEYS)
        assert (await lists.forget(token, "bob")).answer == ForgetAnswer.UNKNOWN
        assert (await lists.forget(token, "alice")).answer == ForgetAnswer.FORGOTTEN
        assert await command(store, "EXISTS", KEYS.job("p", token.id), KEYS.log("p", token.id)) == 0
        assert (await lists.page("alice", ["p"], OwnedFilter(), 10)).jobs == []


async def test_sweeps_leave_it_and_operators_find_it(store: Redis) -> None:
    async with records(store) as world:
        token = await world.succeed(**FULL)
        await command(store, "SADD", KEYS.limit("p", "k"), token.id)
        reply = await world.compact.sweep(["standard"], [], 60, "0")
        assert (reply.records, reply.lost) == (0, 0)
        assert await command(store, "SCARD", KEYS.limit("p", "k")) == 0
        (row,) = await JobListing(store, KEYS).some("p", [token.id])
        assert (row.state, row.kind, row.owner, row.tags) == ("succeeded", "k", "alice", "red blue")


@pytest.mark.parametrize("what", ["a hash", "cancel", "saga", "webhook", "stream", "memo", "history", "unknown"])
async def test_a_job_with_more_than_a_compact_record_holds_keeps_a_hash(store: Redis, what: str) -> None:
    async with records(store) as world:
        hook = {"webhook": '> [{"url":"https://a.example","place":"a.example:443","events":" succeeded "}]'}
        token = await world.submit(**(hook if what == "webhook" else {"parent": "p.x 1"} if what == "saga" else {}))
        begun = await world.start()
        events: list[Any] = []
        match what:
            case "cancel":
                assert await world.gateway.cancel(token) == "asked"
            case "stream":
                events = [stream_chunk(begun.started.attempt)]
            case "memo":
                await world.compact.once(token.id, begun.started.fence, "memo", "1")
            case "history":
                retry = AttemptOutcome(State.SCHEDULED, "problem", '{"code":"x"}', "retrying")
                assert await world.report(begun, retry) == "ok"
                await world.compact.promote()
                begun = await world.start()
            case "unknown":
                await command(store, "HSET", KEYS.job("p", token.id), "later", "kept")
        worker = world.plain if what == "a hash" else world.compact
        assert await world.report(begun, DONE, events, worker=worker) in ("ok", "cancel")
        assert await world.form(token) == "hash"
        assert (await world.gateway.read(token)).result == '{"ok":true}'
        assert await command(store, "PTTL", KEYS.job("p", token.id)) > 0


def stream_chunk(attempt: int) -> Any:
    """Return a report of one chunk."""
    return StreamChunks(STREAM, "text", attempt, 0, 5, ['"a"'])


@pytest.mark.parametrize("state", [State.FAILED, State.CANCELLED, State.EXPIRED])
async def test_a_job_that_ends_badly_keeps_a_hash(store: Redis, state: State) -> None:
    async with records(store) as world:
        token = await world.submit()
        outcome = AttemptOutcome(state, "problem", '{"code":"x"}') if state is State.FAILED else AttemptOutcome(state)
        assert await world.report(await world.start(), outcome) == "ok"
        assert await world.form(token) == "hash"
        assert (await world.gateway.read(token)).state == state


async def test_a_job_that_failed_is_replayed_and_then_succeeds(store: Redis) -> None:
    async with records(store) as world:
        token = await world.submit(**FULL)
        assert await world.report(await world.start(), AttemptOutcome(State.FAILED, "problem", '{"code":"x"}')) == "ok"
        letters = DeadLetters(store, KEYS, "p")
        letter = (await letters.find(token.id))[token.id]
        assert await letters.replay([letter.entry]) == ["queued"]
        assert await world.report(await world.start(), DONE) == "ok"
        record = await world.gateway.read(token)
        assert (record.state, record.result, record.owner) == ("succeeded", '{"ok":true}', "alice")
        assert await command(store, "HLEN", KEYS.caller_bytes("p")) == 0


@pytest.mark.parametrize("text", ["", "x", msgspec.msgpack.encode([2, "k"]), msgspec.msgpack.encode([1, "k", "t", 1])])
async def test_another_string_is_no_record(store: Redis, text: str | bytes) -> None:
    async with records(store) as world:
        token = await world.succeed()
        await command(store, "SET", KEYS.job("p", token.id), text)
        with pytest.raises(Exception, match="the record is broken"):
            await world.gateway.read(token)
        with pytest.raises(Exception, match="the record is broken"):
            await OwnershipReader(store, KEYS).read(token)


async def test_a_job_with_numbers_that_no_script_wrote_keeps_a_hash(store: Redis) -> None:
    async with records(store) as world:
        token = await world.submit()
        begun = await world.start()
        await command(store, "HSET", KEYS.job("p", token.id), "enqueued", "soon")
        assert await world.report(begun, DONE) == "ok"
        assert await world.form(token) == "hash"


async def test_a_log_that_was_cut_says_so(store: Redis) -> None:
    async with records(store) as world:
        world.compact._limits = msgspec.structs.replace(world.compact._limits, max_log_bytes=2_000)
        entry = (EventClass.LOG, f'"{"x" * 500}"')
        token = await world.succeed(events=[entry] * 10)
        assert await world.form(token) == "string"
        record = await world.gateway.read(token)
        assert record.log_from > 2
        assert record.chunks[0][0] == record.log_from
