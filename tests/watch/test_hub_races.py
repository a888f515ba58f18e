"""The hub beside a store whose answers the test gives: what overtakes what."""

import asyncio
from typing import cast

import anyio
import anyio.lowlevel
import msgspec

from support.waiting import until_async
from tidings.protocol.events import EventClass
from tidings.protocol.tokens import Token, new_token
from tidings.store.availability.store_errors import StoreUnavailableError
from tidings.store.jobs.job_store import JobRecord, JobStore
from tidings.store.keys import StoreKeys
from tidings.store.redis.subscription import Subscription
from tidings_server.watch.hub import Hub
from watch.hub_world import Ear


class Desk:
    """A store whose answers the test gives."""

    def __init__(self) -> None:
        self.asked: list[asyncio.Future[JobRecord]] = []

    def watch(self, token: Token, after: int = 0, room: object = None) -> "asyncio.Future[JobRecord]":
        self.asked.append(asyncio.get_running_loop().create_future())
        return self.asked[-1]


async def test_an_inbox_that_was_lost_while_a_watch_was_under_way_has_the_job_watched_again() -> None:
    desk = Desk()
    hub = Hub(cast("JobStore", desk), cast("Subscription", None), StoreKeys())
    ear = Ear(new_token("p"))
    answer = hub.watch(ear, 0)
    answer.add_done_callback(lambda done: ear.release(int(done.result().seq)))
    hub.reopened()
    desk.asked[0].set_result(JobRecord("running", seq=2))  # from before the end, which nobody heard
    await anyio.lowlevel.checkpoint()
    desk.asked[1].set_result(JobRecord("succeeded", seq=3))
    await ear.until(3)
    assert ear.snapshots == [(2, 3, [])]


async def test_an_end_too_large_to_publish_that_overtakes_the_answer_to_its_submit_is_told() -> None:
    desk = Desk()
    hub = Hub(cast("JobStore", desk), cast("Subscription", None), StoreKeys())
    ear = Ear(new_token("p"))
    hub.begin(ear)
    end = JobRecord("succeeded", seq=2, result="1", finished=1)
    hub.receive(msgspec.msgpack.encode([(str(ear.token), 2, EventClass.FINAL, "")]))
    desk.asked[0].set_result(end)
    await anyio.lowlevel.checkpoint()
    ear.release(1)
    await until_async(
        lambda: len(desk.asked) >= 2, seconds=10, pause_s=0
    )  # the store is asked again once the answer to the submit has gone out
    desk.asked[1].set_result(end)
    await ear.until(2)
    assert (ear.heard, ear.snapshots, len(hub)) == ([2], [], 0)


async def test_what_an_answer_has_told_is_not_told_again_by_the_event_that_came_before_it() -> None:
    desk = Desk()
    hub = Hub(cast("JobStore", desk), cast("Subscription", None), StoreKeys())
    first = Ear(new_token("p"))
    hub.begin(first)
    first.release(1)
    late = Ear(first.token)
    hub.watch(late, 0)
    hub.receive(msgspec.msgpack.encode([(str(first.token), 2, EventClass.CHANGE, "{}")]))
    desk.asked[0].set_result(JobRecord("running", seq=2))
    late.release(2)
    hub.receive(msgspec.msgpack.encode([(str(first.token), 3, EventClass.CHANGE, "{}")]))
    assert (first.heard, late.heard) == ([2, 3], [3])


async def test_an_ack_that_overtakes_the_repair_leaves_its_job_known() -> None:
    desk = Desk()
    hub = Hub(cast("JobStore", desk), cast("Subscription", None), StoreKeys())
    ear = Ear(new_token("p"))
    hub.begin(ear)
    hub.reopened()
    ear.release(1)  # the submit was written after the repair looked, and answered before it
    desk.asked[0].set_result(JobRecord(""))
    await anyio.lowlevel.checkpoint()
    hub.receive(msgspec.msgpack.encode([(str(ear.token), 2, EventClass.CHANGE, "{}")]))
    assert (ear.heard, ear.lost) == ([2], False)


async def test_a_repair_that_must_be_repeated_is_not_settled_by_the_watch_of_another() -> None:
    desk = Desk()
    hub = Hub(cast("JobStore", desk), cast("Subscription", None), StoreKeys())
    ear = Ear(new_token("p"))
    hub.begin(ear)
    ear.release(1)
    hub.reopened()
    desk.asked[0].set_exception(StoreUnavailableError("not yet"))
    late = Ear(ear.token)
    hub.watch(late, 0).add_done_callback(lambda done: late.release(int(done.result().seq)))
    desk.asked[1].set_result(JobRecord("running", seq=6))
    await anyio.lowlevel.checkpoint()
    hub.receive(msgspec.msgpack.encode([(str(ear.token), 7, EventClass.CHANGE, "{}")]))
    await until_async(lambda: len(desk.asked) >= 3, seconds=10, pause_s=0)
    desk.asked[2].set_result(JobRecord("running", seq=6, chunks=[(3, 0, '"a"')]))
    await ear.until(7)
    assert (ear.snapshots, ear.heard) == ([(1, 6, ['"a"'])], [7])
    assert (late.snapshots, late.heard) == ([], [7])
