"""Sagas that are pinned to their version, on a real store, without workers."""

from typing import Any

import msgspec
from redis.asyncio import Redis

from saga.world import World, running
from tidings.protocol.steps import StepStatus
from tidings.store.admin.sagas.running_sagas import SagaFilter, running_sagas
from tidings.store.admin.sagas.saga_actions import SagaAction, act_on_sagas
from tidings.store.admin.unserved_kinds import KindWait, unserved_kinds
from tidings.store.attempts.attempt_store import ReadyEntry, StartRules, Unserved
from tidings.store.keys import StoreKeys
from tidings.store.registry import KindVersions, WorkerRecord
from tidings_worker.outcome import outcomes

KEYS = StoreKeys()
OWN = {"k": (1, 1)}
RAISED = {"k": (1, 2)}
BY_UPCAST = {0: Unserved("k", 1, 1)}
LINE = "normal/k@1!pinned"


async def begin(world: World, **fields: Any) -> None:
    """Have a saga wait for a signal, after its first step."""
    await world.submit(**fields)
    await world.start()
    await world.write("1", status=StepStatus.SUCCEEDED, ok=True, outcome="1")
    await world.end(outcomes.waiting(-1, 0, " go "))


async def act(world: World, what: SagaAction) -> str:
    (answer,) = await act_on_sagas(world.store, KEYS, "p", what, [world.token.id])
    return answer


async def wake(world: World) -> ReadyEntry:
    assert await world.gateway.signal(world.token, "", "go", "", "1") == "ok"
    (entry,) = await world.worker.take(["normal"], 1, 1000)
    return entry


async def pinned_in_line(world: World) -> None:
    await begin(world)
    assert await act(world, SagaAction.PIN) == "ok"
    (started,) = await world.worker.start([await wake(world)], unserved=BY_UPCAST)
    assert started.go == 0


async def take(world: World, serves: Any) -> list[str]:
    return [entry.id for entry in await world.worker.take_unserved(["normal"], serves, 10)]


async def test_a_saga_that_is_not_pinned_runs_by_an_upcast(store: Redis) -> None:
    async with running(store) as world:
        await begin(world)
        (started,) = await world.worker.start([await wake(world)], unserved=BY_UPCAST)
        assert started.go == 1


async def test_a_pinned_saga_waits_for_a_worker_whose_own_version_it_is(store: Redis) -> None:
    async with running(store) as world:
        await pinned_in_line(world)
        assert (await world.record()).state == "queued"
        assert await take(world, RAISED) == []
        (one,) = [one async for page in running_sagas(store, KEYS, ["p"], SagaFilter()) for one in page]
        assert (one.pinned, one.status, one.held) == (True, "queued", None)
        assert await take(world, OWN) == [world.token.id]
        assert await store.exists(KEYS.unserved("p", LINE), KEYS.unserved("p")) == 0


async def test_a_worker_of_its_own_version_runs_it_at_once(store: Redis) -> None:
    async with running(store) as world:
        await begin(world)
        await act(world, SagaAction.PIN)
        (started,) = await world.worker.start([await wake(world)])
        assert started.go == 1


async def test_a_lane_gives_it_to_no_worker_with_an_upcast(store: Redis) -> None:
    async with running(store) as world:
        await begin(world, caller="c")
        await act(world, SagaAction.PIN)
        await store.hset(KEYS.flow("p", "normal"), "direct", 0)
        assert await world.gateway.signal(world.token, "", "go", "", "1") == "ok"
        world.worker.rules = StartRules(serves={"k": (1, 2)})
        entries = await world.worker.take(["normal"], 1, 1000)
        assert [entry.is_turn for entry in entries] == [True]
        assert [one.go for one in await world.worker.start(entries, spare={"normal": 9})] == [0]
        assert await take(world, OWN) == [world.token.id]


async def test_one_that_is_pinned_no_more_goes_to_a_worker_with_an_upcast(store: Redis) -> None:
    async with running(store) as world:
        await pinned_in_line(world)
        assert await act(world, SagaAction.UNPIN) == "ok"
        assert await store.exists(KEYS.unserved("p", LINE)) == 0
        assert await take(world, RAISED) == [world.token.id]


async def test_a_pinned_saga_that_waits_in_its_line_is_cancelled_and_leaves_nothing(store: Redis) -> None:
    async with running(store) as world:
        await pinned_in_line(world)
        assert await world.gateway.cancel(world.token) == "cancelled"
        assert await take(world, OWN) == []
        assert await store.exists(KEYS.unserved("p"), KEYS.unserved("p", LINE)) == 0


async def test_operators_see_that_it_waits_for_its_version(store: Redis) -> None:
    def a_worker(oldest: int, newest: int) -> WorkerRecord:
        return WorkerRecord(
            worker="w", host="h", pid=1, version="1", kinds=["k"], queues=["p"], slots=1,
            versions={"k": KindVersions(oldest, newest)},
        )  # fmt: skip

    async with running(store) as world:
        await pinned_in_line(world)
        (told,) = await unserved_kinds(store, KEYS, ["p"], [a_worker(1, 2)])
        assert msgspec.structs.replace(told, since=0.0) == KindWait("k", "p", 1, 1, pinned=True)
        assert told.wanted == "k in version 1, to which they are pinned,"
        assert await unserved_kinds(store, KEYS, ["p"], [a_worker(1, 2), a_worker(1, 1)]) == []
