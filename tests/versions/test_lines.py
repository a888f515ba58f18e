"""Jobs that their reader does not serve: the store keeps them in a line for workers that do, and counts honestly."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import msgspec
import pytest
from redis.asyncio import Redis

from support.stores.channels import subscribe
from support.timeouts import scaled
from tidings.protocol.frames.envelope import Envelope, encode_envelope
from tidings.protocol.tokens import Token
from tidings.store.admin.dead_letters import DeadLetters
from tidings.store.admin.queue_stats import count_queue
from tidings.store.admin.unserved_kinds import KindWait, unserved_kinds
from tidings.store.attempts.attempt_store import AttemptStore, LeaseRenewal, ReadyEntry, Started, StartRules, Unserved
from tidings.store.redis.store_client import command
from tidings.store.registry import KindVersions, WorkerRecord
from tidings_worker.outcome import outcomes
from tiers.place import DONE, FAILED, KEYS, RETRY, TIER, Place, place_in

NEW = {"new": (1, 3)}
LINE = f"{TIER}/new@2"
READY = [TIER]


def envelope(kind: str = "new", version: int = 2) -> str:
    return encode_envelope(Envelope(kind, msgspec.Raw(b"{}"), version)).decode()


@asynccontextmanager
async def mixed(store: Redis) -> AsyncIterator[tuple[Place, AttemptStore]]:
    """Have a place whose first worker serves another kind; the second of the two serves what waits."""
    async with place_in(store, StartRules(serves={"old": (1, 1)})) as place:
        yield place, place.second


async def submit(place: Place, count: int = 1, **fields: Any) -> list[str]:
    fields = {"kind": "new", "version": 2, "envelope": envelope(), **fields}
    return [one.id for one in await place.submit(count, **fields)]


async def pass_on(place: Place, most: int = 100) -> list[Started]:
    """Have the worker that lacks the kind take what there is."""
    entries = await place.first.take(READY, most, 0)
    unserved = {index: Unserved("new", 2) for index, entry in enumerate(entries) if not entry.is_turn}
    return await place.first.start(entries, unserved=unserved, spare={TIER: 100})


async def take(worker: AttemptStore, most: int = 100, serves: Any = None) -> list[ReadyEntry]:
    return await worker.take_unserved(READY, serves or NEW, most)


async def waiting(place: Place) -> int:
    return (await count_queue(place.store, KEYS, "p", [TIER]))[0].waiting


async def test_a_job_that_its_reader_does_not_serve_waits_and_runs_where_it_is_served(store: Redis) -> None:
    async with mixed(store) as (place, worker):
        (job,) = await submit(place)
        assert [one.go for one in await pass_on(place)] == [0]
        found = await place.gateway.read(Token("p", job))
        assert (found.state, found.attempt, await waiting(place)) == ("queued", 0, 1)
        assert await place.first.take(READY, 1, 0) == [], "nothing lies in the stream that all workers read"
        (entry,) = await take(worker)
        assert (entry.id, entry.envelope) == (job, envelope().encode())
        (started,) = await worker.start([entry])
        assert (started.go, started.attempt, started.lost) == (1, 1, 0)
        assert await place.end((entry, started)) == "ok"
        assert await waiting(place) == 0
        assert await command(store, "EXISTS", KEYS.unserved("p", LINE), KEYS.unserved("p")) == 0
        assert await command(store, "XLEN", KEYS.ready("p", TIER, "kind")) == 0


async def test_the_store_announces_the_line_that_has_got_a_job(store: Redis) -> None:
    async with mixed(store) as (place, _), store.pubsub() as heard:
        await subscribe(heard, store, KEYS.due("p"))
        await submit(place, 3)
        await pass_on(place)
        with anyio.fail_after(scaled(10)):
            said = [message["data"] async for message in _messages(heard, 1)]
        assert said == [f"kind {LINE}".encode()]


async def _messages(heard: Any, count: int) -> AsyncIterator[dict[str, Any]]:
    async for message in heard.listen():
        if message["type"].endswith("message"):
            yield message
            count -= 1
            if not count:
                return


@pytest.mark.parametrize("serves", [{"new": (3, 3)}, {"new": (1, 1)}, {"other": (1, 9)}, {}])
async def test_a_worker_takes_no_line_of_other_kinds_or_versions(store: Redis, serves: Any) -> None:
    async with mixed(store) as (place, worker):
        await submit(place)
        await pass_on(place)
        assert await worker.take_unserved(READY, serves, 100) == []
        assert await worker.take_unserved(["other"], NEW, 100) == []
        assert len(await take(worker)) == 1


async def test_those_that_have_waited_longest_come_first_over_all_lines(store: Redis) -> None:
    async with mixed(store) as (place, worker):
        order = []
        for version in (2, 3, 2, 1, 3):
            (job,) = await submit(place, envelope=envelope(version=version), version=version)
            order.append(job)
            (entry,) = await place.first.take(READY, 1, 0)
            await place.first.start([entry], unserved={0: Unserved("new", version)})
            await anyio.sleep(0.002)  # the order is that of the ms of the entries
        assert [entry.id for entry in await take(worker, 2)] == order[:2]
        assert [entry.id for entry in await take(worker)] == order[2:]


async def test_two_workers_never_get_one_job(store: Redis) -> None:
    async with mixed(store) as (place, worker):
        jobs = await submit(place, 50)
        await pass_on(place)
        taken: list[str] = []

        async def drain(one: AttemptStore) -> None:
            while entries := await take(one, 3):
                taken.extend(entry.id for entry in entries)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(drain, worker)
            tasks.start_soon(drain, place.first)
        assert sorted(taken) == sorted(jobs)


async def test_one_that_waits_in_a_line_is_cancelled_and_leaves_nothing(store: Redis) -> None:
    async with mixed(store) as (place, worker):
        (job,) = await submit(place)
        await pass_on(place)
        assert await place.gateway.cancel(Token("p", job)) == "cancelled"
        assert await waiting(place) == 0
        assert await take(worker) == []
        assert await command(store, "EXISTS", KEYS.unserved("p")) == 0


async def test_one_that_waits_in_a_line_ends_at_its_deadline(store: Redis) -> None:
    async with mixed(store) as (place, worker):
        (job,) = await submit(place, deadline_ms=50)
        await pass_on(place)
        with anyio.fail_after(scaled(10)):
            while await place.state(job) != "expired":
                await place.first.promote()
                await anyio.sleep(0.01)
        assert (await waiting(place), await take(worker)) == (0, [])


async def test_a_lost_worker_counts_although_the_next_one_does_not_serve_the_kind(store: Redis) -> None:
    async with mixed(store) as (place, worker):
        (job,) = await submit(place)
        (entry,) = await worker.take(READY, 1, 0)
        (begun,) = await worker.start([entry])
        (entry,) = await place.first.take_over(TIER, 0, 1)
        await place.first.start([entry], unserved={0: Unserved("new", 2)})
        assert await place.state(job) == "queued"
        # The worker that was taken for dead has lost the job.
        assert await worker.beat([LeaseRenewal(job, begun.fence, entry.tier, entry.entry)]) == ["lost"]
        assert await place.end((entry, begun)) == "lost"
        (entry,) = await take(worker)
        (again,) = await worker.start([entry])
        assert (again.go, again.attempt, again.lost) == (1, 2, 1)
        assert await place.end((entry, again)) == "ok"


async def test_what_a_killed_worker_had_taken_out_of_a_line_goes_to_another(store: Redis) -> None:
    async with mixed(store) as (place, worker):
        jobs = await submit(place, 2)
        await pass_on(place)
        first, _ = await take(worker)
        await worker.start([first])
        over = await place.first.take_over(TIER, 0, 10)
        assert sorted(entry.id for entry in over) == sorted(jobs)
        started = await place.first.start(over)
        assert sorted(one.lost for one in started) == [0, 1]
        assert [await place.end(held) for held in zip(over, started, strict=True)] == ["ok", "ok"]


async def test_a_worker_that_leaves_gives_back_what_it_took_out_of_a_line(store: Redis) -> None:
    async with mixed(store) as (place, worker):
        await submit(place)
        await pass_on(place)
        await take(worker)
        assert await worker.leave(READY) == 1
        assert len(await place.first.take_over(TIER, 60_000, 10)) == 1


async def test_a_lane_gives_its_jobs_to_their_line_by_their_records(store: Redis) -> None:
    async with mixed(store) as (place, worker):
        await submit(place, 8 + 5, caller="c")
        assert all(one.go == 0 for one in await pass_on(place))
        while entries := await place.first.take(READY, 10, 0):
            unserved = {index: Unserved("new", 2) for index, entry in enumerate(entries) if not entry.is_turn}
            assert all(one.go == 0 for one in await place.first.start(entries, unserved=unserved))
        assert len(await take(worker)) == 13
        assert await place.lanes() == " "


async def test_a_lane_gives_what_is_served_and_in_no_other_version(store: Redis) -> None:
    async with place_in(store, StartRules(serves={"new": (2, 2)}), direct=0) as place:
        await submit(place, caller="c")
        await submit(place, caller="c", version=3, envelope=envelope(version=3))
        await submit(place, caller="c", version=False, envelope=envelope(version=1))
        started = []
        while entries := await place.first.take(READY, 10, 0):
            started += [one for one in await place.first.start(entries, spare={TIER: 9}) if one.go]
        assert len(started) == 1
        fields = await command(store, "HKEYS", KEYS.unserved("p"))
        assert sorted(fields) == [f"{TIER}/new@1".encode(), f"{TIER}/new@3".encode()]


async def test_a_worker_that_started_a_job_which_it_does_not_serve_hands_it_on_uncounted(store: Redis) -> None:
    async with mixed(store) as (place, worker):
        (job,) = await submit(place, version=False)  # as a server of an earlier release writes the record
        (held,) = await place.take(1)
        assert await place.end(held, outcomes.not_served("new", 2)) == "ok"
        assert await place.state(job) == "queued"
        (entry,) = await take(worker)
        (started,) = await worker.start([entry])
        assert (started.attempt, started.lost) == (1, 0)


async def test_a_limit_s_place_is_free_while_its_job_waits_in_a_line(store: Redis) -> None:
    rules = StartRules(limits={"new": 1})
    async with place_in(store, rules) as place:
        await submit(place, 2, terms={"limit": "new"})
        (held,) = await place.take(1)
        assert await place.take(1) == []  # the other waits for a place
        assert await place.end(held) == "ok"
        await pass_on(place)
        assert await command(store, "EXISTS", KEYS.limit("p", "new")) == 0
        (entry,) = await take(place.second)
        assert [one.go for one in await place.second.start([entry])] == [1]


async def test_a_sweep_leaves_a_line_alone_and_clears_what_is_none(store: Redis) -> None:
    async with mixed(store) as (place, worker):
        (job,) = await submit(place)
        await pass_on(place)
        await command(store, "ZADD", KEYS.unserved("p", LINE), 1, "gone")
        await command(store, "HSET", KEYS.unserved("p"), f"{TIER}/empty@1", 1)
        await command(store, "ZADD", KEYS.unserved("p", f"{TIER}/stale@1"), 1, "gone")
        cursor = "0"
        while (cursor := (await place.first.sweep(READY, [], 60, cursor)).cursor) != "0":
            pass
        assert await command(store, "ZRANGE", KEYS.unserved("p", LINE), 0, -1) == [job.encode()]
        assert [entry.id for entry in await take(worker)] == [job]
        assert await command(store, "EXISTS", KEYS.unserved("p", f"{TIER}/stale@1")) == 0


async def test_a_retry_and_a_replayed_letter_find_their_line_again(store: Redis) -> None:
    async with mixed(store) as (place, worker):
        (job,) = await submit(place)
        await pass_on(place)
        (entry,) = await take(worker)
        (started,) = await worker.start([entry])
        assert await place.end((entry, started), RETRY) == "ok"
        assert (await worker.promote())[0] == 1
        await pass_on(place)
        (entry,) = await take(worker)
        (started,) = await worker.start([entry])
        assert (started.attempt, started.lost) == (2, 0)
        assert await place.end((entry, started), FAILED) == "ok"
        letters = DeadLetters(store, KEYS, "p")
        (letter,) = (await letters.page()).letters
        assert await letters.replay([letter.entry]) == ["queued"]
        await pass_on(place)
        assert [entry.id for entry in await take(worker)] == [job]


def a_worker(**versions: KindVersions) -> WorkerRecord:
    kinds = sorted(versions)
    return WorkerRecord(
        worker="w", host="h", pid=1, version="1", kinds=kinds, queues=["p"], slots=1, versions=dict(versions)
    )


async def test_operators_see_what_waits_for_a_kind_or_version_that_no_worker_serves(store: Redis) -> None:
    async with mixed(store) as (place, _):
        await submit(place, 3)
        await pass_on(place)
        told = await unserved_kinds(store, KEYS, ["p", "q"], [a_worker(new=KindVersions(3, 3), old=KindVersions(1, 1))])
        assert [msgspec.structs.replace(one, since=0.0) for one in told] == [KindWait("new", "p", 3, 2)]
        assert 0 <= told[0].since < 60
        assert await unserved_kinds(store, KEYS, ["p"], [a_worker(new=KindVersions(1, 3))]) == []
        of_before = WorkerRecord(worker="w", host="h", pid=1, version="1", kinds=["new"], queues=["p"], slots=1)
        assert await unserved_kinds(store, KEYS, ["p"], [of_before]) == []


async def test_what_the_store_holds_beside_lines_hurts_no_one(store: Redis) -> None:
    async with mixed(store) as (place, worker):
        (job,) = await submit(place)
        await pass_on(place)
        lines = KEYS.unserved("p")
        for name in ("", "x", "a/b@c", f"{TIER}/new@", b"\xff\xfe", f"{TIER}/new@99999999999999999999"):
            await command(store, "HSET", lines, name, "never")
        await command(store, "SET", KEYS.unserved("p", f"{TIER}/new@1"), "no set")
        await command(store, "HSET", lines, f"{TIER}/new@1", "1")
        assert [one.jobs for one in await unserved_kinds(store, KEYS, ["p"], [])] == [1]
        assert [entry.id for entry in await take(worker)] == [job]


async def test_the_outcome_of_a_served_job_is_not_touched(store: Redis) -> None:
    async with place_in(store, StartRules(serves={"new": (2, 2)})) as place:
        (job,) = await submit(place)
        (held,) = await place.take(1)
        assert await place.end(held, DONE) == "ok"
        assert await place.state(job) == "succeeded"
