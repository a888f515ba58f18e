"""Lanes: however many jobs one caller has, another's waits for few of them; and no way of a job leads past them."""

import hashlib
import itertools

import pytest
from redis.asyncio import Redis

from support.waiting import until_async
from tidings.protocol.tokens import Token, new_token
from tidings.store.admin.dead_letters import DeadLetters
from tidings.store.attempts.attempt_store import LeaseRenewal, StartRules
from tidings.store.jobs.job_store import JobStore, JobStoreOptions, NewJob
from tidings.store.keys import GROUP
from tidings.store.redis.store_client import command
from tiers.place import BACK, DIRECT, FAILED, FLOW, KEYS, READY, RETRY, TIER, place_in


def lane_of(caller: str) -> int:
    """Return a caller's lane, as lib/waiting/lanes.lua does."""
    return int(hashlib.sha1(caller.encode(), usedforsecurity=False).hexdigest()[:4], 16) % 16


def caller_beside(caller: str) -> str:
    """Return one whose lane is another."""
    return next(other for other in map(str, itertools.count()) if lane_of(other) != lane_of(caller))


async def test_ten_thousand_jobs_of_one_caller_delay_a_single_one_by_few(store: Redis) -> None:
    async with place_in(store) as place:
        await place.submit(10_000, "a")
        (single,) = await place.submit(1, "b")
        assert single.position == DIRECT
        order: list[str] = []
        while single.id not in order:
            order += [entry.id for entry, _ in await place.take(1)]
        assert len(order) <= DIRECT + 2  # the direct ones, one of the lane, and itself


async def test_every_job_of_a_lane_runs_once_and_in_its_order(store: Redis) -> None:
    async with place_in(store) as place:
        made = [one.id for one in await place.submit(100, "a")]
        others = [one.id for caller in "bcd" for one in await place.submit(20, caller)]
        assert await place.waiting() == 160
        order = await place.drain()
        assert sorted(order) == sorted(made + others)
        assert [job for job in order if job in set(made)] == made
        assert await place.waiting() == 0
        assert await store.xlen(READY) == 0
        assert await place.lanes() == " "
        assert 0 < await store.pttl(FLOW) <= 3_600_000


async def test_heavy_callers_take_turns(store: Redis) -> None:
    async with place_in(store) as place:
        await place.submit(DIRECT, "a")
        first = {one.id for one in await place.submit(50, "a")}
        other = caller_beside("a")
        await place.submit(DIRECT, other)
        second = {one.id for one in await place.submit(50, other)}
        order = [job for job in await place.drain() if job in first | second]
        # As long as both have some, neither is more than one ahead.
        for end in range(2, 100, 2):
            taken = order[:end]
            assert abs(sum(job in first for job in taken) - sum(job in second for job in taken)) <= 2


async def test_all_free_slots_take_from_a_lane_at_once(store: Redis) -> None:
    async with place_in(store) as place:
        await place.submit(DIRECT + 30, "a")
        assert len(await place.take(DIRECT)) == DIRECT
        assert len(await place.take(5, spare=4)) == 5
        assert len(await place.take(100, spare=99)) == 25
        assert await place.lanes() == " "
        assert await place.take(5) == []


async def test_the_position_in_a_lane_counts_what_stands_in_line_and_the_lanes(store: Redis) -> None:
    async with place_in(store) as place:
        await place.submit(DIRECT, "a")
        assert [one.position for one in await place.submit(3, "a")] == [8, 9, 10]
        assert (await place.submit(1, "b"))[0].position == 8
        assert (await place.submit(1, "a"))[0].position == 12


async def test_what_waits_in_lanes_counts_for_the_limit_of_the_queue(store: Redis) -> None:
    async with place_in(store) as place, JobStore(store, KEYS, "g2", JobStoreOptions(max_backlog=20)) as strict:
        await place.submit(20, "a")
        answer = await strict.submit("p", NewJob(new_token("p").id, "k", TIER, "[]", caller="b"))
        assert (answer.answer, answer.position) == ("full", 20)


async def test_a_start_whose_reply_was_lost_gives_the_same_jobs_again(store: Redis) -> None:
    async with place_in(store) as place:
        await place.submit(DIRECT + 6, "a")
        await place.take(DIRECT)
        turn = await place.first.take([TIER], 1, 0)
        call = place.first.new_call()
        first = await place.start(turn, 3, place.first, call)
        again = await place.start(turn, 3, place.first, call)
        assert len(first) == 4
        assert first == again
        assert len(await place.take(10, spare=9)) == 2


async def test_a_turn_whose_holder_died_is_taken_over(store: Redis) -> None:
    async with place_in(store) as place:
        await place.submit(DIRECT + 2, "a")
        await place.take(DIRECT)
        assert (await place.first.take([TIER], 1, 0))[0].is_turn  # and no more is heard of it
        assert await place.second.take([TIER], 1, 0) == []
        entries = await place.second.take_over(TIER, 0, 100)
        assert len(entries) == DIRECT + 1
        (turn,) = [entry for entry in entries if entry.is_turn]
        assert len(await place.start([turn], 5, place.second)) == 2


async def test_a_job_of_a_lane_whose_worker_died_is_taken_over_and_the_first_is_refused(store: Redis) -> None:
    async with place_in(store) as place:
        await place.submit(DIRECT + 1, "a")
        for one in await place.take(DIRECT):
            await place.end(one)
        (held,) = await place.take(1)
        beat = LeaseRenewal(held[0].id, held[1].fence, TIER, held[0].entry)
        assert await place.first.beat([beat]) == ["ok"]
        entries = await place.second.take_over(TIER, 0, 10)
        ((entry, started),) = await place.start(entries, 0, place.second)
        assert (entry.id, entry.entry, started.fence, started.lost) == (held[0].id, held[0].entry, 2, 1)
        assert await place.end(held) == "lost"
        assert await place.first.beat([beat]) == ["lost"]
        assert await place.end((entry, started)) == "ok"
        assert await store.xlen(f"{READY}/{entry.entry.partition('/')[2]}") == 0


async def test_a_beat_renews_the_lease_of_a_job_of_a_lane(store: Redis) -> None:
    async with place_in(store) as place:
        await place.submit(DIRECT + 1, "a")
        await place.take(DIRECT)
        ((entry, started),) = await place.take(1)
        lane = f"{READY}/{entry.entry.partition('/')[2]}"

        async def idle() -> int:
            return int((await store.xpending_range(lane, GROUP, "-", "+", 1))[0]["time_since_delivered"])

        await until_async(idle, lambda found: found >= 20, pause_s=0)
        before = await idle()
        await place.first.beat([LeaseRenewal(entry.id, started.fence, TIER, entry.entry)])
        assert await idle() < before


async def test_cancelling_a_job_of_a_lane_takes_it_out(store: Redis) -> None:
    async with place_in(store) as place:
        made = await place.submit(DIRECT + 3, "a")
        assert await place.gateway.cancel(Token("p", made[DIRECT + 1].id)) == "cancelled"
        assert await place.waiting() == DIRECT + 2
        order = await place.drain()
        assert made[DIRECT + 1].id not in order
        assert len(order) == DIRECT + 2


async def test_a_lane_whose_jobs_were_all_cancelled_closes_at_its_turn(store: Redis) -> None:
    async with place_in(store) as place:
        made = await place.submit(DIRECT + 3, "a")
        for one in made[DIRECT:]:
            await place.gateway.cancel(Token("p", one.id))
        assert len(await place.drain()) == DIRECT
        assert await place.lanes() == " "
        assert await store.xlen(READY) == 0


async def test_what_comes_back_from_a_lane_goes_where_its_caller_stands(store: Redis) -> None:
    async with place_in(store) as place:
        await place.submit(DIRECT + 2, "a")
        held = await place.take(DIRECT)
        (drawn,) = await place.take(1)
        await place.end(drawn, BACK)
        await place.end(held[0], RETRY)
        assert await place.first.promote() == (1, -1)
        assert await store.xlen(READY) == DIRECT - 1 + 1  # those that run, and the lane's turn
        for one in held[1:]:
            await place.end(one)
        order = await place.drain()
        assert len(order) == 3
        assert {drawn[0].id, held[0][0].id} <= set(order)


async def test_delayed_jobs_of_one_caller_do_not_flood_the_line_when_they_are_due(store: Redis) -> None:
    async with place_in(store) as place:
        await place.submit(50, "a", delay_ms=1)
        moved = 0
        while moved < 50:
            moved += (await place.first.promote())[0]
        (single,) = await place.submit(1, "b")
        order: list[str] = []
        while single.id not in order:
            order += [entry.id for entry, _ in await place.take(1)]
        assert len(order) <= 2  # one of the lane, and itself: all 50 live, so all wait in the lane


async def test_a_job_of_a_lane_that_dies_can_be_replayed(store: Redis) -> None:
    async with place_in(store) as place:
        await place.submit(DIRECT + 1, "a")
        for one in await place.take(DIRECT):
            await place.end(one)
        (held,) = await place.take(1)
        await place.end(held, FAILED)
        letters = DeadLetters(store, KEYS, "p")
        (letter,) = (await letters.page()).letters
        assert bytes(letter.input) == b"{}"
        assert await letters.replay([letter.entry]) == ["queued"]
        assert await place.drain() == [held[0].id]
        assert await place.state(held[0].id) == "succeeded"


async def test_a_worker_that_leaves_frees_what_it_holds_of_lanes(store: Redis) -> None:
    async with place_in(store) as place:
        await place.submit(DIRECT + 2, "a")
        for one in await place.take(DIRECT):
            await place.end(one)
        held = await place.take(2, spare=1)
        assert await place.first.leave([TIER]) == 2
        entries = await place.second.take_over(TIER, 3_600_000, 10)
        assert {entry.id for entry in entries} == {entry.id for entry, _ in held}


async def test_the_sweep_gives_a_lane_the_turn_that_was_lost(store: Redis) -> None:
    async with place_in(store) as place:
        await place.submit(DIRECT + 5, "a")
        await place.take(DIRECT)
        (turn,) = await place.first.take([TIER], 1, 0)
        await command(store, "XACK", READY, GROUP, turn.entry)  # as if these writes had been lost
        await command(store, "XDEL", READY, turn.entry)
        assert await place.take(10) == []
        await place.first.sweep([TIER], [], 3600, "0")
        assert len(await place.take(10, spare=9)) == 5
        await place.first.sweep([TIER], [], 3600, "0")
        assert await place.take(10) == []


@pytest.mark.parametrize("how", ["retried", "handed back", "replayed"])
@pytest.mark.parametrize(("direct", "jobs", "in_lane"), [(2, 3, True), (20, DIRECT + 4, False)])
async def test_who_is_queued_again_goes_where_a_new_job_of_its_caller_would(
    store: Redis, how: str, direct: int, jobs: int, in_lane: bool
) -> None:
    async with place_in(store, direct=direct) as place:
        await place.submit(jobs, "a")
        held = await place.take(jobs, spare=jobs)
        assert len(held) == jobs
        await place.end(held[0], {"retried": RETRY, "handed back": BACK, "replayed": FAILED}[how])
        if how == "retried":
            assert (await place.first.promote())[0] == 1
        if how == "replayed":
            letters = DeadLetters(store, KEYS, "p")
            assert await letters.replay([letter.entry for letter in (await letters.page()).letters]) == ["queued"]
        assert (await place.lanes() not in ("", " ")) == in_lane
        assert await place.state(held[0][0].id) == "queued"
        assert [entry.id for entry, _ in await place.take(1)] == [held[0][0].id]


async def test_a_turn_too_many_does_no_harm(store: Redis) -> None:
    async with place_in(store) as place:
        made = await place.submit(DIRECT + 5, "a")
        lane = (await place.lanes()).strip()
        await command(store, "XADD", READY, "*", "id", f"/{lane}", "env", "")
        assert await place.drain() == [one.id for one in made]
        assert await store.xlen(READY) == 0
        assert await place.lanes() == " "


async def test_take_over_finds_an_entry_behind_many_that_live(store: Redis) -> None:
    async with place_in(store) as place:
        await place.submit(60, "")
        held = await place.take(60)
        await until_async(
            lambda: store.xpending_range(READY, GROUP, "-", "+", 1),
            lambda found: int(found[0]["time_since_delivered"]) >= 50,
            pause_s=0,
        )
        beats = [LeaseRenewal(entry.id, started.fence, TIER, entry.entry) for entry, started in held[:-1]]
        await place.first.beat(beats)
        (entry,) = await place.second.take_over(TIER, 45, 1)
        assert entry.id == held[-1][0].id


async def test_a_tier_in_which_a_job_was_set_apart_still_knows_its_lanes(store: Redis) -> None:
    async with place_in(store, StartRules(needs={"t": "thread"})) as place:
        await place.submit(1, kind="t")
        assert await place.take(1) == []
        assert await place.lanes() == " thread "
        assert await place.waiting() == 1
        await place.submit(DIRECT + 1, "a")
        assert await place.lanes() == f" thread {lane_of('a')} "
        await place.submit(1, "a")
        assert await store.xlen(READY) == DIRECT + 1  # one turn, however many jobs wait in the lane
        assert await place.waiting() == DIRECT + 3
