"""The store's lists of owners: what they hold, in which order, how long; one world for each test."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis

from tidings.protocol.events import EventClass
from tidings.protocol.states import State
from tidings.protocol.tokens import Token, new_token
from tidings.store.admin.dead_letters import DeadLetters
from tidings.store.answers import ForgetAnswer
from tidings.store.attempts.attempt_store import AttemptOutcome, AttemptReport, AttemptStore
from tidings.store.jobs.job_store import JobStore, JobStoreOptions, NewJob
from tidings.store.jobs.owned_jobs import BEGINNING, OwnedFilter, OwnedJobs, OwnedPosition
from tidings.store.keys import StoreKeys
from tidings.store.redis.store_client import command

KEYS = StoreKeys()
ALL = OwnedFilter()
LIVE = OwnedFilter(live_since=2**50)
DONE = AttemptOutcome(State.SUCCEEDED, "result", '"the result"')
FAILED = AttemptOutcome(State.FAILED, "problem", '{"code":"rejected"}')


class Lists:
    """Two partitions, a worker of the first, and the lists."""

    def __init__(self, store: Redis, gateway: JobStore, worker: AttemptStore) -> None:
        self.store = store
        self.gateway = gateway
        self.worker = worker
        self.owned = OwnedJobs(store, KEYS)

    async def submit(self, owner: str = "alice", partition: str = "p", kind: str = "k", **fields: object) -> Token:
        """Submit a job."""
        token = new_token(partition)
        job = NewJob(token.id, kind, "standard", f'["{kind}",{{}}]', owner=owner, watch=0, **fields)  # type: ignore[arg-type]
        assert (await self.gateway.submit(partition, job)).answer == "new"
        return token

    async def end(self, outcome: AttemptOutcome = DONE) -> None:
        """Take the next job and end it."""
        (entry,) = await self.worker.take(["standard"], 1, 1000)
        (started,) = await self.worker.start([entry])
        report = AttemptReport(entry.id, started.fence, 1)
        report.outcome = outcome
        assert await self.worker.report(report) == "ok"

    async def listed(self, owner: str = "alice", wanted: OwnedFilter = ALL, size: int = 100) -> list[Token]:
        """Return all of an owner's list, read by pages of a size."""
        found: list[Token] = []
        at: OwnedPosition | None = BEGINNING
        while at is not None:
            page = await self.owned.page(owner, ["p", "q"], wanted, size, at)
            assert len(page.jobs) <= size
            found += [job.token for job in page.jobs]
            at = page.next
        return found


@asynccontextmanager
async def lists(store: Redis, max_listed: int = 100) -> AsyncIterator[Lists]:
    """A gateway and a worker. (No fixture: their task groups want one task.)"""
    async with (
        JobStore(store, KEYS, "g", JobStoreOptions(max_listed=max_listed)) as gateway,
        AttemptStore(store, KEYS, "p", "w") as worker,
    ):
        await worker.join(["standard"])
        yield Lists(store, gateway, worker)


async def test_an_owner_finds_its_jobs_of_all_partitions_the_newest_first(store: Redis) -> None:
    async with lists(store) as world:
        made = [await world.submit(partition=partition) for partition in "pqqpqp"]
        await world.submit("bob")
        for size in (1, 2, 4, 100):
            assert await world.listed(size=size) == made[::-1]


async def test_jobs_of_one_call_have_an_order_and_are_each_on_one_page(store: Redis) -> None:
    async with lists(store) as world:
        tokens = [new_token("p") for _ in range(50)]
        waiting = [
            world.gateway.submit("p", NewJob(one.id, "k", "standard", "[]", owner="alice", watch=0)) for one in tokens
        ]
        for one in waiting:
            await one
        assert await world.listed(size=7) == tokens[::-1]


async def test_jobs_of_one_time_are_each_on_one_page(store: Redis) -> None:
    async with lists(store) as world:
        made = [await world.submit(partition=partition) for partition in "pqpqpq"]
        for one in made:  # as after a clock that was set back
            await command(store, "ZADD", KEYS.owned(one.partition, "alice"), 1_700_000_000_000_000, one.id)
        for size in (1, 2, 5):
            assert sorted(await world.listed(size=size)) == sorted(made)


async def test_a_list_is_filtered_by_tag_kind_and_state(store: Redis) -> None:
    async with lists(store) as world:
        first = await world.submit(tags="red a")
        second = await world.submit(tags="red", kind="other")
        third = await world.submit(tags="reddish b")
        await world.end()
        assert await world.listed(wanted=OwnedFilter(tag="red")) == [second, first]
        assert await world.listed(wanted=OwnedFilter(tag="reddish")) == [third]
        assert await world.listed(wanted=OwnedFilter(tag="ed")) == []
        assert await world.listed(wanted=OwnedFilter(kind="other")) == [second]
        assert await world.listed(wanted=OwnedFilter(tag="red", state="succeeded")) == [first]
        assert await world.listed(wanted=OwnedFilter(state="queued")) == [third, second]
        assert await world.listed(wanted=LIVE) == [third, second]
        assert await world.listed(wanted=OwnedFilter(live_since=0)) == [third, second, first]


async def test_no_tag_is_found_by_what_stands_in_a_token(store: Redis) -> None:
    async with lists(store) as world:
        token = await world.submit(tags="red")
        assert await world.listed(wanted=OwnedFilter(tag=token.id)) == []


async def test_only_the_newest_are_listed(store: Redis) -> None:
    async with lists(store, max_listed=3) as world:
        made = [await world.submit() for _ in range(5)]
        assert await world.listed() == made[:1:-1]


async def test_a_job_without_owner_and_tags_leaves_no_trace_of_a_list(store: Redis) -> None:
    async with lists(store) as world:
        await world.submit("")
        assert not [key for key in await command(store, "KEYS", "*") if b":owned:" in key]
        tagged = await world.submit("", tags="red")
        assert await world.listed("", OwnedFilter(tag="red")) == [tagged]


async def test_a_child_of_a_saga_is_not_listed(store: Redis) -> None:
    async with lists(store) as world:
        await world.submit(parent="p.aaaaaaaaaaaaaaaaaaaaaa 1")
        assert await world.listed() == []


async def test_a_job_whose_record_has_left_is_listed_no_more_and_leaves_the_list(store: Redis) -> None:
    async with lists(store) as world:
        gone, kept = await world.submit(tags="red"), await world.submit()
        await command(store, "DEL", KEYS.job("p", gone.id))
        assert await world.listed() == [kept]
        assert await command(store, "ZCARD", KEYS.owned("p", "alice")) == 1


async def test_a_sweep_removes_jobs_whose_records_have_left_and_keeps_the_list_while_one_lives(store: Redis) -> None:
    async with lists(store, max_listed=1_000) as world:
        made = [await world.submit(tags="red") for _ in range(150)]
        for one in made[1:]:
            await command(store, "DEL", KEYS.job("p", one.id))
        key = KEYS.owned("p", "alice")
        await command(store, "PEXPIRE", key, 60_000)
        cursor = "0"
        while True:
            cursor = (await world.worker.sweep(["standard"], [], 10, cursor)).cursor
            if cursor == "0" and await command(store, "ZCARD", key) == 1:
                break
        assert await world.listed() == made[:1]
        assert await command(store, "PTTL", key) > 86_400_000
        await command(store, "DEL", KEYS.job("p", made[0].id))
        while await command(store, "EXISTS", key):
            cursor = (await world.worker.sweep(["standard"], [], 10, cursor)).cursor


async def test_a_list_leaves_a_month_after_the_last_submission_and_later_for_a_job_that_is_due_later(
    store: Redis,
) -> None:
    month_ms, year_ms = 31 * 86_400_000, 365 * 86_400_000
    async with lists(store) as world:
        await world.submit()
        key = KEYS.owned("p", "alice")
        assert month_ms - 60_000 < await command(store, "PTTL", key) <= month_ms
        await world.submit(delay_ms=year_ms)
        await world.submit()
        assert await command(store, "PTTL", key) > year_ms


async def test_a_key_that_is_no_list_begins_again(store: Redis) -> None:
    async with lists(store) as world:
        await command(store, "SET", KEYS.owned("p", "alice"), "x")
        token = await world.submit()
        assert await world.listed() == [token]


@pytest.mark.parametrize("kept", [0, 100])
async def test_a_job_that_is_forgotten_leaves_nothing_of_it(store: Redis, kept: int) -> None:
    async with lists(store) as world:
        token = await world.submit(tags="red", fingerprint="f", key=f"k{kept}")
        assert (await world.owned.forget(token, "alice")).answer is ForgetAnswer.LIVE
        (entry,) = await world.worker.take(["standard"], 1, 1000)
        (started,) = await world.worker.start([entry])
        report = AttemptReport(entry.id, started.fence, 1)
        report.events.append((EventClass.LOG, '"a chunk"'))
        report.outcome = FAILED
        assert await world.worker.report(report) == "ok"
        assert (await world.owned.forget(token, "bob")).answer is ForgetAnswer.UNKNOWN
        assert (await world.owned.forget(token, "alice")).answer is ForgetAnswer.FORGOTTEN
        assert (await world.owned.forget(token, "alice")).answer is ForgetAnswer.UNKNOWN
        assert await world.listed() == []
        assert await DeadLetters(store, KEYS, "p").find(token.id) == {}
        keys = await command(store, "KEYS", "*")
        assert [key for key in keys if token.id.encode() in key] == []
        # The key stays: the same submission does not run again.
        again = NewJob(new_token("p").id, "k", "standard", "[]", owner="alice", fingerprint="f", key=f"k{kept}")
        assert (await world.gateway.submit("p", again)).answer == "duplicate"


async def test_a_job_that_is_replayed_is_listed_and_keeps_its_place(store: Redis) -> None:
    async with lists(store) as world:
        dead, other = await world.submit(tags="red"), await world.submit()
        await world.end(FAILED)
        letters = DeadLetters(store, KEYS, "p")
        letter = (await letters.find(dead.id))[dead.id]
        assert (letter.owner, letter.tags) == ("alice", "red")
        assert await letters.replay([letter.entry]) == ["queued"]
        assert await world.listed() == [other, dead]
        await world.end()  # the other
        await world.end(FAILED)
        letter = (await letters.find(dead.id))[dead.id]
        await command(store, "DEL", KEYS.job("p", dead.id), KEYS.owned("p", "alice"))
        assert await letters.replay([letter.entry]) == ["queued"]
        assert await world.listed(wanted=OwnedFilter(tag="red")) == [dead]


async def test_a_row_that_no_script_wrote_is_left_out(store: Redis) -> None:
    async with lists(store) as world:
        broken, whole = await world.submit(), await world.submit()
        await command(store, "HSET", KEYS.job("p", broken.id), "kind", b"\xff\xfe")
        assert await world.listed() == [whole]


POSITIONS = st.builds(OwnedPosition, st.integers(1, 3), st.sampled_from("pqr"), st.sampled_from("abc"))


@given(POSITIONS, POSITIONS)
def test_where_a_part_goes_on_is_behind_the_position_in_the_order_of_the_list(
    after: OwnedPosition, one: OwnedPosition
) -> None:
    at, job = after.within(one.partition)
    shown = one.at_us < at or (one.at_us == at and (not job or one.id < job))
    assert shown == (one < after)
