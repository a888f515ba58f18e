"""What ends a job makes its deliveries, in the same step; a job that asks for none has none."""

from collections.abc import Awaitable, Callable

import msgspec
import pytest

from dead.world import World
from tidings.protocol.events import EventClass
from tidings.protocol.problems import problem
from tidings.protocol.states import State
from tidings.protocol.tokens import Token, new_token
from tidings.store.answers import ForgetAnswer
from tidings.store.attempts.attempt_store import AttemptOutcome, AttemptReport, NextRun
from tidings.store.jobs.job_store import NewJob, QueueingTerms
from tidings.store.jobs.owned_jobs import OwnedJobs
from tidings.store.keys import StoreKeys
from tidings.store.redis.store_client import command
from tidings.store.redis.store_clock import store_ms
from tidings_worker.outcome import outcomes
from webhook.deliveries import Deliveries, hook

KEYS = StoreKeys()
SHED = msgspec.json.encode(problem("shed", "it was dropped")).decode()


async def succeed(world: World) -> Token:
    token = await world.submit(webhook=hook())
    await world.end(await world.start(), outcomes.succeeded(b'{"n":2}'))
    return token


async def fail(world: World) -> Token:
    return await world.die(webhook=hook())


async def cancel_waiting(world: World) -> Token:
    token = await world.submit(webhook=hook())
    assert await world.gateway.cancel(token) == "cancelled"
    return token


async def cancel_running(world: World) -> Token:
    token = await world.submit(webhook=hook())
    begun = await world.start()
    await world.gateway.cancel(token)
    await world.end(begun, AttemptOutcome(State.SCHEDULED, event="retrying", delay_ms=1))
    return token


async def expire_in_the_queue(world: World) -> Token:
    token = await world.submit(webhook=hook(), deadline_ms=1)
    while await world.gateway.expire("p", 10) > 0:
        pass
    return token


async def expire_at_its_start(world: World) -> Token:
    token = await world.submit(webhook=hook(), deadline_ms=1)
    entries = await world.first.take(["standard"], 1, 1000)
    while (await store_ms(world.store)) < (await world.record(token)).submitted + 2:  # type: ignore[operator]
        pass
    assert not (await world.first.start(entries))[0].go
    return token


async def expire_in_the_schedule(world: World) -> Token:
    token = await world.submit(webhook=hook(), deadline_ms=1, delay_ms=60_000)
    while (await world.first.promote())[0] == 0:
        pass
    return token


async def shed(world: World) -> Token:
    terms = QueueingTerms(max_eta_ms=1, shed=SHED)
    now = await store_ms(world.store)
    await command(world.store, "HSET", KEYS.flow("p", "standard"), "since", now, "rate", 0.001)
    token = await world.submit(webhook=hook(), terms=QueueingTerms(shed=SHED))
    await world.gateway.submit("p", NewJob(new_token("p").id, "k", "standard", "[]", watch=0, terms=terms))
    return token


async def lose_its_entry(world: World) -> Token:
    token = await world.submit(webhook=hook())
    await command(world.store, "XTRIM", KEYS.ready("p", "standard"), "MAXLEN", 0)
    await sweep(world)
    return token


async def break_its_record(world: World) -> Token:
    token = await world.submit(webhook=hook())
    await command(world.store, "HSET", KEYS.job("p", token.id), "fence", "x")
    await world.first.start(await world.first.take(["standard"], 1, 1000))
    return token


async def sweep(world: World) -> None:
    await world.first.sweep(["standard"], ["one"], 60, "0")


ENDS: list[tuple[Callable[[World], Awaitable[Token]], str]] = [
    (succeed, "succeeded"),
    (fail, "failed"),
    (cancel_waiting, "cancelled"),
    (cancel_running, "cancelled"),
    (expire_in_the_queue, "expired"),
    (expire_at_its_start, "expired"),
    (expire_in_the_schedule, "expired"),
    (shed, "failed"),
    (lose_its_entry, "failed"),
    (break_its_record, "failed"),
]


@pytest.mark.parametrize(("end", "event"), ENDS, ids=[end.__name__ for end, _ in ENDS])
async def test_however_a_job_ends_its_delivery_is_there(
    world: World, deliveries: Deliveries, end: Callable[[World], Awaitable[Token]], event: str
) -> None:
    token = await end(world)
    (one,) = await deliveries.take()
    assert (one.job, one.event, one.place, one.kind) == (token.id, event, "hooks.example", "k")
    assert one.tail.startswith(f'"event":"{event}","status":"{event}","data":{{')
    assert one.seq == (await world.record(token)).seq
    assert await deliveries.states(token) == [(event, "sending")]


async def test_jobs_that_ask_for_none_write_nothing_of_webhooks(world: World, deliveries: Deliveries) -> None:
    for end in (succeed, fail, cancel_waiting):
        await end(world)
    webhooks = await command(world.store, "KEYS", "*webhook*")
    assert webhooks
    await command(world.store, "FLUSHALL")
    await world.first.join(["standard"])
    await world.submit()
    await world.end(await world.start(), outcomes.succeeded(b"1"))
    await world.die()
    assert await command(world.store, "KEYS", "*webhook*") == []
    assert await deliveries.take() == []


async def test_the_deliveries_are_there_before_the_report_is_answered_or_not_at_all(
    world: World, deliveries: Deliveries
) -> None:
    """A report that is refused changes nothing; one that is repeated makes no second delivery."""
    token = await world.submit(webhook=hook())
    begun = await world.start()
    report = AttemptReport(begun[0].id, begun[1].fence + 1, 1)
    report.outcome = outcomes.succeeded(b"1")
    assert await world.first.report(report) == "lost"
    assert await deliveries.of(token) == []
    report = AttemptReport(begun[0].id, begun[1].fence, 1)
    report.outcome = outcomes.succeeded(b"1")
    assert [await world.first.report(report) for _ in range(2)] == ["ok", "done"]
    assert await deliveries.states(token) == [("succeeded", "waiting")]


async def test_any_event_is_delivered_where_a_filter_names_it(world: World, deliveries: Deliveries) -> None:
    token = await world.submit(webhook=hook("started", "progress", "log", "retrying", "succeeded"))
    begun = await world.start()
    report = AttemptReport(begun[0].id, begun[1].fence, 1)
    report.events = [(EventClass.PROGRESS, '{"fraction":0.5}'), (EventClass.LOG, '"a line"')]
    report.outcome = AttemptOutcome(State.SCHEDULED, event="retrying", delay_ms=1)
    assert await world.first.report(report) == "ok"
    while (await world.first.promote())[0] == 0:
        pass
    await world.end(await world.start(), outcomes.succeeded(b"1"))
    events = [event for event, _ in await deliveries.states(token)]
    assert events == ["started", "progress", "log", "retrying", "started", "succeeded"]


async def test_only_what_the_filter_names_is_delivered(world: World, deliveries: Deliveries) -> None:
    token = await world.submit(webhook=hook("failed"))
    await world.end(await world.start(), outcomes.succeeded(b"1"))
    assert await deliveries.of(token) == []
    failed = await world.die(webhook=hook("failed"))
    assert await deliveries.states(failed) == [("failed", "waiting")]


async def test_events_past_a_thousand_are_left_out_and_the_end_says_how_many(
    world: World, deliveries: Deliveries
) -> None:
    token = await world.submit(webhook=hook("log", "succeeded"))
    begun = await world.start()
    report = AttemptReport(begun[0].id, begun[1].fence, 1)
    report.events = [(EventClass.LOG, str(number)) for number in range(1_003)]
    report.outcome = outcomes.succeeded(b"1")
    assert await world.first.report(report) == "ok"
    total, _ = await deliveries.store.page("p", "job", token.id)
    assert total == 1_001
    (last,) = (await deliveries.store.page("p", "job", token.id, after=1_000))[1]
    assert last.event == "succeeded"
    assert (await deliveries.take(1))[0].left_out == 3


async def test_a_result_too_large_for_an_event_is_read_with_the_delivery_if_it_may_be_sent(
    world: World, deliveries: Deliveries
) -> None:
    for size, sent in ((70_000, True), (100_001, False)):
        token = await world.submit(webhook=hook())
        result = b'"' + b"x" * (size - 2) + b'"'
        await world.end(await world.start(), outcomes.succeeded(result))
        (one,) = await deliveries.take()
        assert (one.job, one.tail, one.field, one.size) == (token.id, "", "result", size)
        assert one.value == (result.decode() if sent else "")
        await deliveries.end(one)


async def test_a_job_that_an_earlier_release_ended_gets_its_delivery_from_the_sweep(
    world: World, deliveries: Deliveries
) -> None:
    token = await world.submit(webhook=hook())
    # A script of an earlier release takes no notice of the field; the mark among the watchers is a gateway to it.
    await command(world.store, "HDEL", KEYS.job("p", token.id), "watchers")
    await world.end(await world.start(), outcomes.succeeded(b'{"n":1}'))
    assert await deliveries.of(token) == []
    for _ in range(2):
        await sweep(world)
    (one,) = await deliveries.take()
    assert (one.event, one.field, one.value) == ("succeeded", "result", '{"n":1}')
    assert await deliveries.states(token) == [("succeeded", "sending")]


async def test_a_job_that_is_replayed_tells_its_next_end_too(world: World, deliveries: Deliveries) -> None:
    for record_left in (False, True):
        token = await world.die(webhook=hook())
        letter = (await world.letter(token)).entry
        if record_left:
            await world.expire(token)
        assert await world.dead.replay([letter]) == ["queued"]
        await world.end(await world.start(), outcomes.succeeded(b"1"))
        assert [event for event, _ in await deliveries.states(token)] == ["failed", "succeeded"]


async def test_a_run_by_the_clock_has_the_webhook_of_its_kind(world: World, deliveries: Deliveries) -> None:
    now, _ = await world.first.recur([])
    run = NextRun("k", now + 1, "every 60", new_token("p").id, "standard", '["k",{}]', "tick", hook())
    await world.first.recur([run])
    while (await world.first.promote())[0] == 0:
        pass
    await world.end(await world.start(), outcomes.succeeded(b"1"))
    assert [one.job for one in await deliveries.take()] == [run.id]


async def test_a_caller_whose_receivers_take_nothing_is_refused_after_a_hundred_thousand(
    world: World, deliveries: Deliveries
) -> None:
    await command(world.store, "HSET", KEYS.webhook("p", "callers"), "alice", 100_000)
    job = NewJob(new_token("p").id, "k", "standard", "[]", caller="alice", webhook=hook())
    refused = await world.gateway.submit("p", job)
    assert (refused.answer, refused.position, refused.seq) == ("owing", 100_000, 100_000)
    plain = NewJob(new_token("p").id, "k", "standard", "[]", caller="alice")
    assert (await world.gateway.submit("p", plain)).answer == "new"


async def test_a_job_that_is_forgotten_leaves_no_delivery(world: World, deliveries: Deliveries) -> None:
    owned = OwnedJobs(world.store, KEYS)
    for taken in (False, True):
        token = await world.submit(caller="alice", webhook=hook())
        await world.end(await world.start(), outcomes.succeeded(b'"secret"'))
        (one,) = await deliveries.take() if taken else (None,)
        assert (await owned.forget(token, "")).answer is ForgetAnswer.FORGOTTEN
        assert await deliveries.of(token) == []
        assert await command(world.store, "HGET", KEYS.webhook("p", "callers"), "alice") is None
        assert one is None or await deliveries.end(one) == "lost"
        assert await deliveries.take() == []


async def test_what_a_caller_owes_is_counted_until_it_is_over(world: World, deliveries: Deliveries) -> None:
    callers = KEYS.webhook("p", "callers")
    for _ in range(2):
        await world.submit(caller="alice", webhook=hook())
        await world.end(await world.start(), outcomes.succeeded(b"1"))
    assert await command(world.store, "HGET", callers, "alice") == b"2"
    one, other = await deliveries.take()
    await deliveries.end(one)
    await deliveries.end(other, "dead")
    assert await command(world.store, "HGET", callers, "alice") is None
