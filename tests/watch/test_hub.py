"""The hub on a real store: holes, large events, a deaf inbox, and who hears what when."""

import asyncio
import json

import anyio
import anyio.lowlevel
import msgspec
import pytest
from redis.asyncio import Redis

from support.timeouts import scaled
from support.waiting import until_async
from tidings.protocol.events import EventClass
from tidings.protocol.tokens import new_token
from tidings.store.jobs.job_store import NewJob
from tidings.store.keys import StoreKeys
from tidings.store.redis.store_client import command
from watch.hub_world import Ear, World, in_world


@in_world
async def test_events_go_to_their_listener_and_the_topic_ends_with_the_job(world: World, store: Redis) -> None:
    ear, report = await world.running_job()
    await world.succeed(await world.log(report, '"a"'))
    await ear.until(4)
    assert ear.heard == [2, 3, 4]
    assert ear.snapshots == []
    assert len(world.hub) == 0


@in_world
async def test_all_who_listen_to_a_job_get_the_same_frame_so_that_it_is_encoded_once(
    world: World, store: Redis
) -> None:
    ear, report = await world.running_job()
    other = Ear(ear.token)
    record = await world.hub.watch(other, 0)
    other.release(int(record.seq))
    await world.log(report, '"a"')
    await ear.until(3)
    await other.until(3)
    assert ear.frames[-1] is other.frames[-1]


@in_world
async def test_a_hole_in_the_numbers_is_filled_from_the_store(world: World, store: Redis) -> None:
    ear, report = await world.running_job()
    world.deaf = True
    report = await world.log(await world.log(report, '"lost"'), '"lost too"')
    world.deaf = False
    report = await world.log(report, '"heard"')
    await ear.until(5)
    assert ear.heard == [2, 3, 4, 5]
    assert [json.loads(frame.data)["data"] for frame in ear.frames[1:]] == ["lost", "lost too", "heard"]
    await world.succeed(report)
    await ear.until(6)
    assert ear.heard == [2, 3, 4, 5, 6]
    assert ear.snapshots == []


@in_world
async def test_a_hole_of_which_the_record_holds_only_the_outcome_is_filled_by_the_record(
    world: World, store: Redis
) -> None:
    ear, report = await world.running_job()
    world.deaf = True
    await world.retry(await world.log(report, '"lost"'))
    world.deaf = False
    world.hub.reopened()
    await ear.until(4)
    assert ear.heard == [2]
    assert ear.snapshots == [(2, 4, ['"lost"'])]


@in_world
async def test_an_inbox_that_was_deaf_tells_the_end_it_missed(world: World, store: Redis) -> None:
    ear, report = await world.running_job()
    world.deaf = True
    await world.succeed(report)
    world.deaf = False
    world.hub.reopened()
    await ear.until(3)
    assert (ear.heard, ear.snapshots) == ([2, 3], [])
    assert len(world.hub) == 0


@in_world
async def test_after_a_failover_that_lost_writes_the_numbers_go_on_from_where_the_store_stands(
    world: World, store: Redis
) -> None:
    ear, report = await world.running_job()
    report = await world.log(await world.log(report, '"a"'), '"b"')
    await ear.until(4)
    # What a replica has that was promoted before the last two writes reached it.
    await command(store, "HSET", StoreKeys().job("p", report.id), "seq", 2, "reported", 0)
    await command(store, "DEL", StoreKeys().log("p", report.id))
    world.hub.reopened()
    with anyio.fail_after(scaled(10)):
        while not ear.snapshots:
            await ear.news.wait()
    assert ear.snapshots == [(4, 2, [])]
    await world.succeed(report)
    with anyio.fail_after(scaled(10)):
        while ear.heard[-1] != 3:
            await ear.news.wait()
    assert len(world.hub) == 0


@in_world
async def test_an_event_too_large_to_publish_is_fetched(world: World, store: Redis) -> None:
    small, report = await world.running_job()
    await world.succeed(report, '"x"')
    await small.until(3)
    large, report = await world.running_job()
    also = Ear(large.token)
    also.release(int((await world.hub.watch(also, 0)).seq))
    await world.succeed(report, msgspec.json.encode("x" * 100_000).decode())
    await large.until(3)
    await also.until(3)
    assert (large.heard, large.snapshots) == ([2, 3], [])
    assert also.frames[-1] is large.frames[-1]  # put together once for all
    as_published, fetched = json.loads(small.frames[-1].data), json.loads(large.frames[-1].data)
    assert list(fetched) == list(as_published)
    assert fetched["data"] == {"result": "x" * 100_000}
    assert {**fetched, "token": "", "at": "", "data": ""} == {**as_published, "token": "", "at": "", "data": ""}


@in_world
async def test_what_one_script_publishes_to_a_gateway_is_bounded_and_the_rest_is_fetched(
    world: World, store: Redis
) -> None:
    chunk = msgspec.json.encode("x" * 60_000).decode()
    jobs = [await world.running_job() for _ in range(40)]
    world.messages.clear()
    for _, report in jobs:
        report.events.extend([(EventClass.LOG, chunk)] * 4)
    with pytest.MonkeyPatch.context() as patch:  # batches of reports are cut before a script has that much to publish
        patch.setattr("tidings.store.redis.batcher.BATCH_BYTES", 100_000_000)
        await asyncio.gather(*(world.worker.report(report) for _, report in jobs))  # in one script: 9.6 MB
    for ear, _ in jobs:
        await ear.until(6)
    assert sum(world.messages) < 4_200_000
    assert max(world.messages) < 1_100_000
    assert all((ear.heard, ear.snapshots) == ([2, 3, 4, 5, 6], []) for ear, _ in jobs)


@in_world
async def test_everything_that_is_held_is_watched_again_in_few_calls_of_bounded_size(
    world: World, store: Redis
) -> None:
    count = 10_000
    ears = [Ear(new_token("p")) for _ in range(count)]
    made = []
    for ear in ears:
        world.hub.begin(ear)
        made.append(world.gateway.submit("p", NewJob(ear.token.id, "k", "standard", "[]")))
    await asyncio.gather(*made)
    for ear in ears:
        ear.release(1)
    world.deaf = True
    for _ in range(count // 250):
        await world.worker.start(await world.worker.take(["standard"], 250, 1000))
    world.deaf = False
    await command(store, "CONFIG", "RESETSTAT")
    await command(store, "CONFIG", "SET", "slowlog-log-slower-than", 0)
    await command(store, "SLOWLOG", "RESET")
    world.hub.reopened()
    for ear in ears:
        await ear.until(2)
    calls = (await store.info("commandstats"))["cmdstat_fcall"]["calls"]
    slowest_us = max(entry[2] for entry in await command(store, "SLOWLOG", "GET", 128) if entry[3][0] == b"FCALL")
    await command(store, "CONFIG", "SET", "slowlog-log-slower-than", 10_000)
    print(f"{calls} calls for {count} jobs, the longest {slowest_us} us")  # noqa: T201 - what `pytest -rP` shows
    assert calls == -(-count // 256)
    assert all([*ear.heard, *(seq for _, seq, _ in ear.snapshots)] == [2] for ear in ears)


@in_world
async def test_events_are_held_until_the_first_answer_has_gone_out(world: World, store: Redis) -> None:
    first, report = await world.running_job()
    late = Ear(first.token)
    record = await world.hub.watch(late, 0)
    report = await world.log(report, '"a"')
    await first.until(3)
    assert late.heard == []
    late.release(int(record.seq))
    assert late.heard == [3]
    await world.succeed(report)
    await late.until(4)
    assert late.heard == [3, 4]
    assert first.heard == [2, 3, 4]


@in_world
async def test_when_the_last_listener_leaves_the_store_sends_no_more(world: World, store: Redis) -> None:
    ear, _ = await world.running_job()
    key = StoreKeys().job("p", ear.token.id)
    assert await store.hget(key, "watchers") == b"g"
    world.hub.leave(ear)
    await until_async(lambda: store.hget(key, "watchers"), lambda found: found is None, seconds=10, pause_s=0)
    assert len(world.hub) == 0


@in_world
async def test_to_leave_and_to_watch_again_at_once_leaves_it_watched(world: World, store: Redis) -> None:
    ear, report = await world.running_job()
    again = Ear(ear.token)
    world.hub.leave(ear)
    record = await world.hub.watch(again, 0)
    again.release(int(record.seq))
    await world.succeed(report)
    await again.until(3)
    assert again.heard == [3]


@in_world
async def test_a_record_that_has_gone_is_told(world: World, store: Redis) -> None:
    ear, _ = await world.running_job()
    await store.delete(StoreKeys().job("p", ear.token.id))
    world.hub.reopened()
    with anyio.fail_after(scaled(10)):
        while not ear.lost:
            await ear.news.wait()
    assert len(world.hub) == 0


@in_world
async def test_a_repair_tells_each_listener_only_what_it_lacks(world: World, store: Redis) -> None:
    first, report = await world.running_job()
    world.deaf = True
    report = await world.log(report, '"a"')
    late = Ear(first.token)
    late.release(int((await world.hub.watch(late, 0)).seq))
    report = await world.log(report, '"b"')
    world.deaf = False
    world.hub.reopened()
    await first.until(4)
    assert (first.heard, late.heard) == ([2, 3, 4], [4])
    world.deaf = True
    await world.retry(report)
    world.deaf = False
    world.hub.reopened()
    await first.until(5)
    assert first.snapshots == late.snapshots == [(4, 5, [])]


@in_world
async def test_an_inbox_that_comes_back_while_a_submit_is_under_way_does_not_drop_it(
    world: World, store: Redis
) -> None:
    ear = Ear(new_token("p"))
    world.hub.begin(ear)
    world.hub.reopened()
    await world.gateway.watch(ear.token)  # answered after the repair, as calls keep their order
    await world.gateway.submit("p", NewJob(ear.token.id, "k", "standard", "[]"))
    ear.release(1)
    (entry,) = await world.worker.take(["standard"], 1, 1000)
    await world.worker.start([entry])
    await ear.until(2)
    assert (ear.heard, ear.lost) == ([2], False)
