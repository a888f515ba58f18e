"""Which workers keep up a partition, as heartbeats tell them; and that the rest goes on when those are killed."""

import signal
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from support.peer import peer
from support.system import System, system_fixture
from support.waiting import until_async
from tidings.store.keys import StoreKeys
from tidings.store.placement.upkeep_choice import ON_DUTY, upkeep_place, upkeep_rank
from tidings.store.redis.store_client import command, open_store
from tidings.store.registry import Registry, WorkerRecord

KEYS = StoreKeys()
PLACE = upkeep_place("default", ["standard"])
NAMES = [f"w{number}" for number in range(10)]
KEPT = 6


def record(name: str) -> WorkerRecord:
    return WorkerRecord(worker=name, host="h", pid=1, version="1", kinds=["k"], queues=["default"], slots=1)


class Workers:
    """Workers that come, go and die."""

    def __init__(self, store: Redis) -> None:
        self.store = store
        self.registry = Registry(store, KEYS)
        self.living: set[str] = set()
        self.on_duty: set[str] = set()
        """What those that live have been told."""

    async def beat(self, name: str) -> None:
        self.living.add(name)
        answer = await self.registry.heartbeat(record(name), 3600, [PLACE])
        self.on_duty -= {name}
        if PLACE in answer.on_duty:
            self.on_duty |= {name}

    async def go(self, name: str) -> None:
        self.living -= {name}
        self.on_duty -= {name}
        await self.registry.deregister(name)

    async def die(self, name: str) -> None:
        """Its record runs out."""
        self.living -= {name}
        self.on_duty -= {name}
        await command(self.store, "DEL", KEYS.worker(name))

    async def check(self) -> None:
        for name in sorted(self.living):
            await self.beat(name)
        # Once more: a worker that died may have stood before one that has asked before it was found dead.
        for name in sorted(self.living):
            await self.beat(name)
        ranked = sorted(self.living, key=lambda name: upkeep_rank(PLACE, name))
        assert self.on_duty == set(ranked[:ON_DUTY])
        kept = await command(self.store, "ZRANGE", KEYS.upkeep(PLACE), 0, -1)
        assert len(kept) <= KEPT
        if self.living:
            assert 0 < await command(self.store, "PTTL", KEYS.upkeep(PLACE)) <= 36_000_000


STEPS = st.lists(
    st.tuples(st.sampled_from(["beat", "beat", "go", "die", "check"]), st.sampled_from(NAMES)), min_size=5, max_size=40
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(steps=STEPS)
async def test_the_first_of_the_living_are_on_duty_whoever_comes_goes_and_dies(
    store: Redis, steps: list[tuple[str, str]]
) -> None:
    await store.flushall()
    workers = Workers(store)
    for way, name in [*steps, ("check", "")]:
        if way == "check":
            await workers.check()
        else:
            await {"beat": workers.beat, "go": workers.go, "die": workers.die}[way](name)
    for name in NAMES:
        await workers.beat(name)
    await workers.check()
    assert len(workers.on_duty) == ON_DUTY


async def test_heartbeats_of_workers_that_are_not_chosen_write_nothing_there(store: Redis) -> None:
    workers = Workers(store)
    for name in NAMES:
        await workers.beat(name)
    before = await command(store, "ZRANGE", KEYS.upkeep(PLACE), 0, -1, "WITHSCORES")
    for name in NAMES:
        await workers.beat(name)
    assert await command(store, "ZRANGE", KEYS.upkeep(PLACE), 0, -1, "WITHSCORES") == before
    assert len(before) == 2 * KEPT


QUICK = {"TIDINGS_LEASE_S": "1", "TIDINGS_HEARTBEAT_S": "0.2"}

system = system_fixture(scope="function", workers=0, both=QUICK)


async def on_duty(store: Redis) -> list[str]:
    """Return the workers on duty once all five are known."""
    await until_async(lambda: command(store, "ZCARD", KEYS.upkeep(PLACE)), lambda found: found >= 5)
    return [name.decode() for name in await command(store, "ZRANGE", KEYS.upkeep(PLACE), 0, ON_DUTY - 1)]


async def each_runs_one(store: Redis) -> None:
    """Return when each of five workers with one slot holds a job."""
    await until_async(
        lambda: store.xinfo_groups(KEYS.ready("default", "standard")), lambda found: found[0]["pending"] >= 5
    )


async def test_when_all_on_duty_are_killed_the_others_take_over_and_start_what_is_due(
    system: System, tmp_path: Path
) -> None:
    workers = {name: system.add_worker(**QUICK, TIDINGS_NAME=name, TIDINGS_SLOTS="1") for name in NAMES[:5]}
    system.server.wait_until_ready(kinds=1)
    store = open_store(system.store.url)
    try:
        chosen = await on_duty(store)
        path = tmp_path / "go"
        async with peer(system.server.socket_url) as client:
            tokens = [(await client.submit("wait_for_file", {"path": str(path)}))["token"] for _ in workers]
            await each_runs_one(store)
            later = (await client.submit("noop", delay=1))["token"]
            for name in chosen:
                workers[name].signal(signal.SIGKILL)
            for name in chosen:
                workers[name].wait()
            path.touch()
            assert set((await client.ends(*tokens, later)).values()) == {"succeeded"}
        assert {name.decode() for name in await command(store, "ZRANGE", KEYS.upkeep(PLACE), 0, -1)} == {
            *workers.keys() - set(chosen)
        }
    finally:
        await store.aclose()
