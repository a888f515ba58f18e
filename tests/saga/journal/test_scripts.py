"""What each script of sagas does, on a real store, without workers."""

from typing import Any

import msgspec
import pytest
from redis.asyncio import Redis

from saga.world import running
from tidings.protocol.problems import problem
from tidings.protocol.states import State
from tidings.protocol.steps import StepStatus, StepType
from tidings.protocol.tokens import new_token
from tidings.store.admin.dead_letters import DeadLetters
from tidings.store.attempts.attempt_store import AttemptOutcome
from tidings.store.keys import StoreKeys
from tidings.store.saga_store import ChildEnd, parent_of
from tidings_worker.outcome import outcomes

FAILED = msgspec.json.encode(problem("rejected", "no")).decode()

WAITING = outcomes.waiting(-1, 0, "")
UNDO: dict[str, Any] = {"undo": "u", "owes": 1}
OK: dict[str, Any] = {"status": StepStatus.SUCCEEDED, "ok": True}


async def test_a_step_is_written_by_the_holder_of_the_fence_alone(store: Redis) -> None:
    async with running(store) as world:
        await world.submit()
        assert await world.write() == "lost"
        await world.start()
        assert await world.write(fence=0) == "lost"
        assert await world.write() == "ok"
        await world.end(outcomes.succeeded(b"1"))
        assert await world.write("2") == "lost"
        assert len((await world.record()).steps) == 1


async def test_a_step_that_is_sent_twice_counts_once(store: Redis) -> None:
    async with running(store) as world:
        await world.submit()
        await world.start()
        for _ in range(2):
            assert await world.write(**UNDO) == "ok"
        row = (await world.journal()).rows["1"]
        for _ in range(2):
            assert await world.write(**UNDO, **OK, outcome="5") == "ok"
        after = (await world.journal()).rows["1"]
        assert (after.head.began, after.head.order, after.result) == (row.head.began, 1, "5")
        assert (await world.field("owed"), await world.field("steps")) == (b"1", b"1")
        assert (await world.record()).seq == 4  # submitted, started, begun, ended


async def test_what_is_owed_is_counted_once_and_paid_by_undoing(store: Redis) -> None:
    async with running(store) as world:
        await world.submit()
        await world.start()
        await world.write("1", **UNDO, **OK)
        await world.write("2", **UNDO)
        assert await world.field("owed") == b"2"
        await world.write("2", status=StepStatus.FAILED, ok=False, undo="u")  # by its own word
        assert await world.field("owed") == b"1"
        await world.write("1", status=StepStatus.COMPENSATED, ok=True, undo="u")
        assert await world.field("owed") == b"0"


@pytest.mark.parametrize("bad", [outcomes.cancelled(), outcomes.expired(), outcomes.failed(problem("rejected", "no"))])
async def test_a_saga_that_owes_something_is_queued_to_unwind_and_neither_wish_nor_deadline_stops_that(
    store: Redis, bad: AttemptOutcome
) -> None:
    async with running(store) as world:
        await world.submit(deadline_ms=60_000)
        await world.start()
        await world.write(**UNDO, **OK)
        assert await world.end(bad) == "turned"
        assert (await world.record()).state == "queued"
        assert await world.gateway.cancel(world.token) == "asked"
        await store.hset(StoreKeys().job("p", world.token.id), "deadline", 1)
        started = await world.start()
        assert (started.go, started.unwinding) == (1, True)
        read = await world.saga.read("p", world.token.id, world.fence)
        assert (read.unwinding, read.cause, read.remaining_ms) == (str(bad.state), bad.value, 0)
        assert await world.gateway.signal(world.token, "", "n", "", "1") == "finished"
        await world.end(outcomes.unwound(bad.state, problem("rejected", "no"), compensation="complete"))
        assert (await world.record()).state == "failed"
        assert await store.xlen(StoreKeys().dead("p")) == (bad.state is State.FAILED)


@pytest.mark.parametrize("how", ["waiting", "scheduled", "queued"])
async def test_a_wish_to_cancel_turns_what_lies_in_any_place(store: Redis, how: str) -> None:
    outcome = {
        "waiting": WAITING,
        "scheduled": AttemptOutcome(State.SCHEDULED, "problem", FAILED, "retrying", delay_ms=60_000),
        "queued": outcomes.handed_back(),
    }[how]
    async with running(store) as world:
        await world.submit()
        await world.start()
        await world.write(**UNDO, **OK)
        await world.end(outcome)
        assert (await world.record()).state == how
        assert await world.gateway.cancel(world.token) == "asked"
        assert (await world.record()).state == "queued"
        assert (await world.start()).unwinding
        assert (await world.saga.read("p", world.token.id, world.fence)).unwinding == "cancelled"
        assert await store.zcard(StoreKeys().scheduled("p")) == 0


async def test_a_deadline_turns_what_waits(store: Redis) -> None:
    async with running(store) as world:
        await world.submit(deadline_ms=60_000)
        await world.start()
        await world.write(**UNDO, **OK)
        await world.end(WAITING)
        await store.hset(StoreKeys().job("p", world.token.id), "deadline", 1)
        await store.zadd(StoreKeys().scheduled("p"), {world.token.id: 1})
        assert (await world.worker.promote())[0] == 1
        assert (await world.start()).unwinding
        assert (await world.saga.read("p", world.token.id, world.fence)).unwinding == "expired"


async def test_a_deadline_ends_what_waits_and_owes_nothing(store: Redis) -> None:
    async with running(store) as world:
        await world.submit(deadline_ms=60_000)
        await world.start()
        await world.end(WAITING)
        assert (await world.record()).state == "waiting"
        await store.hset(StoreKeys().job("p", world.token.id), "deadline", 1)
        await store.zadd(StoreKeys().scheduled("p"), {world.token.id: 1})
        await world.worker.promote()
        assert (await world.record()).state == "expired"


async def test_what_came_while_the_saga_was_leaving_keeps_it_in_the_queue(store: Redis) -> None:
    async with running(store) as world:
        await world.submit()
        await world.start()
        assert await world.gateway.signal(world.token, "", "go", "", "1") == "ok"
        await world.end(outcomes.waiting(-1, 0, " go "))
        assert (await world.record()).state == "queued"
        await world.start()
        assert (await world.journal()).signal("go", 1) == "1"
        await world.end(outcomes.waiting(-1, 1, " go "))
        record = await world.record()
        assert (record.state, record.attempt) == ("waiting", 0)


async def test_a_signal_wakes_the_saga_that_waits_for_it_and_no_other(store: Redis) -> None:
    async with running(store) as world:
        await world.submit(owner="me")
        await world.start()
        await world.end(outcomes.waiting(60_000, 0, " go "))
        assert await world.gateway.signal(world.token, "you", "go", "", "1") == "unknown"
        assert await world.gateway.signal(world.token, "me", "other", "", "1") == "ok"
        assert (await world.record()).state == "waiting"
        for _ in range(2):
            assert await world.gateway.signal(world.token, "me", "go", "key", "1") == "ok"
        assert (await world.record()).state == "queued"
        assert await store.zcard(StoreKeys().scheduled("p")) == 0
        await world.start()
        assert (await world.journal()).signal("go", 2) == ""


async def test_a_child_is_made_once_whatever_the_limits(store: Redis) -> None:
    async with running(store) as world:
        await world.submit()
        await world.start()
        token = await world.child()
        assert await world.make(token) == "duplicate"
        assert await world.make(new_token("c")) == "new"  # the backlog is full


async def test_the_end_of_a_child_is_told_once_and_wakes_its_parent(store: Redis) -> None:
    async with running(store) as world:
        await world.submit()
        await world.start()
        token = await world.child()
        await world.end(WAITING)
        assert await world.gateway.cancel(token) == "cancelled"
        (ended,) = await world.saga.outbox("c", 0, 10)
        assert parent_of(ended) == (world.token, "1")
        assert (ended.id, ended.state, ended.begun) == (token.id, "cancelled", 0)
        assert await world.saga.outbox("c", 60_000, 10) == []
        end = ChildEnd(world.token.id, "1", str(token), 0, 0, FAILED)
        assert [await world.saga.wake("p", end) for _ in range(2)] == ["ok", "done"]
        await world.saga.told("c", [ended.entry])
        assert await world.saga.outbox("c", 0, 10) == []
        await world.start()
        row = (await world.journal()).rows["1"]
        assert (row.head.ok, row.problem.code, row.head.owes, row.head.order) == (False, "rejected", 0, 1)
        assert await world.field("owed") == b"0"


async def test_a_child_that_was_stopped_before_it_was_made_is_never_made(store: Redis) -> None:
    """Its submission may still be under way: in a batch, or with a worker that was taken for dead."""
    async with running(store) as world:
        await world.submit()
        await world.start()
        token = new_token("c")
        await world.write(type=StepType.CALL, child=str(token), owes=1, kind="k")
        for _ in range(2):  # the worker that stops it may die before it has recorded that
            assert await world.gateway.cancel(token, forbid="k") == "unknown"
        assert await world.make(token) == "duplicate"
        record = await world.gateway.read(token)
        assert (record.state, record.kind, record.started) == ("cancelled", "k", None)
        assert 0 < await store.pttl(StoreKeys().job("c", token.id)) <= 86_400_000
        assert await store.xlen(StoreKeys().ready("c", "normal")) == 0
        assert await world.gateway.cancel(new_token("c")) == "unknown"
        assert len(await store.keys("t:{c}:job:*")) == 1


async def test_that_a_child_has_begun_is_told_although_it_left_to_wait(store: Redis) -> None:
    async with running(store, "c") as world:
        await world.submit(parent=f"{new_token('p')} 1")
        await world.start()
        await world.end(WAITING)
        assert (await world.record()).attempt == 0
        await world.gateway.cancel(world.token)
        (ended,) = await world.saga.outbox("c", 0, 10)
        assert (ended.state, ended.begun) == ("cancelled", 1)


async def test_a_worker_lost_before_the_saga_unwinds_is_not_counted_as_one_lost_while_it_does(store: Redis) -> None:
    async with running(store) as world:
        await world.submit()
        await world.start()
        await world.write(**UNDO, **OK)
        await store.hset(StoreKeys().job("p", world.token.id), "lost", 2)
        await world.gateway.cancel(world.token)
        (entry,) = await world.worker.take_over("normal", 0, 1)
        (started,) = await world.worker.start([entry])
        assert (started.unwinding, started.lost) == (True, 0)


async def test_a_parent_that_is_over_or_has_another_child_there_is_told_nothing(store: Redis) -> None:
    async with running(store) as world:
        await world.submit()
        await world.start()
        token = await world.child()
        other = ChildEnd(world.token.id, "1", str(new_token("c")), 1, 0, "1")
        assert await world.saga.wake("p", other) == "gone"
        assert await world.saga.wake("p", msgspec.structs.replace(other, path="9")) == "gone"
        await world.end(outcomes.succeeded(b"1"))
        assert await world.saga.wake("p", ChildEnd(world.token.id, "1", str(token), 1, 0, "1")) == "gone"
        assert await world.saga.wake("p", ChildEnd("nobody", "1", str(token), 1, 0, "1")) == "gone"


async def test_a_journal_leaves_with_its_record_and_an_orphan_is_swept(store: Redis) -> None:
    async with running(store) as world:
        await world.submit()
        await world.start()
        await world.write()
        await world.end(outcomes.succeeded(b"1"))
        steps = StoreKeys().steps("p", world.token.id)
        assert 0 < await store.pttl(steps) <= 86_400_000
        await store.delete(StoreKeys().job("p", world.token.id))
        swept = await world.worker.sweep(["normal"], [], 60, "0")
        assert swept.logs == 1
        assert await store.exists(steps) == 0


async def test_a_lost_worker_counts_no_longer_once_the_saga_has_left_properly(store: Redis) -> None:
    async with running(store) as world:
        await world.submit()
        await world.start()
        (entry,) = await world.worker.take_over("normal", 0, 1)
        (started,) = await world.worker.start([entry])
        assert (started.lost, started.attempt) == (1, 2)
        world.fence = started.fence
        await world.end(WAITING)
        await world.gateway.signal(world.token, "", "go", "", "1")
        await store.hset(StoreKeys().job("p", world.token.id), "awaits", " go ")
        await world.gateway.signal(world.token, "", "go", "", "1")
        started = await world.start()
        assert (started.lost, started.attempt) == (0, 1)


async def test_a_signal_that_is_too_large_is_refused(store: Redis) -> None:
    async with running(store) as world:
        await world.submit()
        assert await world.gateway.signal(world.token, "", "go", "", '"' + "x" * 65_535 + '"') == "too_large"
        assert await world.gateway.signal(world.token, "", "go", "", '"' + "x" * 65_534 + '"') == "ok"
        await store.hset(StoreKeys().job("p", world.token.id), "steps_bytes", 16 * 1_048_576)
        assert await world.gateway.signal(world.token, "", "go", "", "1") == "full"


async def test_a_saga_that_had_nothing_to_undo_after_all_is_replayed_as_any_job(store: Redis) -> None:
    async with running(store) as world:
        await world.submit()
        await world.start()
        await world.child()
        await world.end(outcomes.failed(problem("timeout", "no")))
        assert (await world.start()).unwinding
        await world.end(outcomes.unwound(State.FAILED, problem("timeout", "no"), compensation=""))
        (letter,) = (await DeadLetters(store, StoreKeys(), "p").page()).letters
        assert letter.problem == problem("timeout", "no")
        assert await DeadLetters(store, StoreKeys(), "p").replay([letter.entry]) == ["queued"]
        assert not (await world.start()).unwinding


async def test_large_parts_of_a_step_are_not_shown(store: Redis) -> None:
    async with running(store) as world:
        await world.submit()
        await world.start()
        await world.write(input='"' + "x" * 5_000 + '"', outcome="1", **OK)
        (row,) = (await world.record()).steps
        assert (row.input, row.outcome, row.cut) == ("", "1", 5_002)
