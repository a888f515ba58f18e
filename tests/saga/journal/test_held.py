"""Sagas that are held because no code fits them, on a real store, without workers."""

from collections.abc import Mapping

import msgspec
import pytest
from redis.asyncio import Redis

from saga.world import World, running
from tidings.protocol.problems import Problem, problem
from tidings.protocol.steps import StepStatus, StepType
from tidings.store.admin.sagas.held_sagas import HeldSagas, count_held_sagas
from tidings.store.admin.sagas.running_sagas import RunningSaga, SagaFilter, running_sagas
from tidings.store.admin.sagas.saga_actions import SagaAction, act_on_sagas
from tidings.store.keys import StoreKeys
from tidings.store.saga_store import ChildEnd
from tidings_worker.outcome import outcomes

KEYS = StoreKeys()
WHY = problem("saga_diverged", "step 1 is another")
SERVES = {"k": (1, 1)}


async def hold(world: World, code: str = "aa", *, begins: bool = True) -> None:
    """Have the attempt under way, or one that begins, find that its code does not fit."""
    if begins:
        await world.start()
        await world.write("1", status=StepStatus.SUCCEEDED, ok=True, outcome="1")
    assert await world.end(outcomes.held(WHY, code)) == "ok"


async def take(world: World, codes: Mapping[str, str], serves: Mapping[str, tuple[int, int]] = SERVES) -> list[str]:
    """Have a worker with some code look; return what it got, started."""
    entries = await world.worker.take_unserved(["normal"], serves, 10, codes)
    for entry, started in zip(entries, await world.worker.start(entries) if entries else [], strict=True):
        assert started.go == 1
        world.fence, world._number = started.fence, 0
        assert entry.id == world.token.id
    return [entry.id for entry in entries]


async def counted(world: World) -> list[tuple[str, int, str, int]]:
    return [(one.kind, one.version, one.queue, one.sagas) for one in await count_held_sagas(world.store, KEYS, ["p"])]


async def listed(world: World, **wanted: object) -> list[RunningSaga]:
    found = SagaFilter(**{"held": True, **wanted})  # type: ignore[arg-type]
    return [one async for page in running_sagas(world.store, KEYS, ["p"], found) for one in page]


async def act(world: World, what: SagaAction) -> str:
    (answer,) = await act_on_sagas(world.store, KEYS, "p", what, [world.token.id])
    return answer


async def nothing_is_held(world: World) -> bool:
    names = [name async for name in world.store.scan_iter(KEYS.held_sagas("p") + "*")]
    return names == [] and await counted(world) == []


async def test_a_held_saga_waits_and_says_why(store: Redis) -> None:
    async with running(store) as world:
        await world.submit()
        await hold(world)
        record = await world.record()
        assert (record.state, record.attempt) == ("waiting", 0)
        assert msgspec.json.decode(record.held, type=Problem) == WHY
        assert await counted(world) == [("k", 1, "p", 1)]
        assert isinstance((await count_held_sagas(store, KEYS, ["p", "q"]))[0], HeldSagas)
        (one,) = await listed(world)
        assert (one.token, one.status, one.held, one.tried) == (str(world.token), "waiting", WHY, ["aa"])
        assert await listed(world, kind="other") == await listed(world, version=2) == []
        assert [saga.token for saga in await listed(world, held=False, kind="k")] == [str(world.token)]


async def test_neither_signals_nor_children_wake_it_and_both_lie_in_the_journal(store: Redis) -> None:
    async with running(store) as world:
        await world.submit()
        await world.start()
        await world.write("1", type=StepType.CALL, child="c.x", owes=1, kind="k")
        await world.end(outcomes.held(WHY, "aa"))
        assert await world.gateway.signal(world.token, "", "go", "", "1") == "ok"
        assert await world.saga.wake("p", ChildEnd(world.token.id, "1", "c.x", 1, 0, "5")) == "ok"
        assert (await world.record()).state == "waiting"
        assert await world.worker.take(["normal"], 1, 0) == []
        assert await take(world, {"k": "bb"}) == [world.token.id]
        journal = await world.journal()
        assert (journal.signal("go", 1), journal.rows["1"].result) == ("1", "5")


async def test_what_woke_it_while_its_attempt_ran_does_not_queue_it(store: Redis) -> None:
    async with running(store) as world:
        await world.submit()
        await world.start()
        assert await world.gateway.signal(world.token, "", "go", "", "1") == "ok"
        await hold(world, begins=False)
        assert (await world.record()).state == "waiting"
        assert await counted(world) == [("k", 1, "p", 1)]


async def test_each_code_tries_it_once(store: Redis) -> None:
    async with running(store) as world:
        await world.submit()
        await hold(world, "aa")
        assert await take(world, {}) == await take(world, {"k": "aa"}) == await take(world, {"other": "bb"}) == []
        assert await take(world, {"k": "bb"}, {"k": (2, 2)}) == []
        assert await take(world, {"k": "bb"}) == [world.token.id]
        assert await nothing_is_held(world)
        assert (await world.record()).held == ""
        await world.end(outcomes.held(WHY, "bb"))
        assert await take(world, {"k": "aa"}) == await take(world, {"k": "bb"}) == []
        assert (await listed(world))[0].tried == ["aa", "bb"]
        assert await counted(world) == [("k", 1, "p", 1)]


async def test_after_many_releases_none_tries_it_by_itself(store: Redis) -> None:
    async with running(store) as world:
        await world.submit()
        await hold(world, "c0")
        for number in range(1, 9):
            assert await take(world, {"k": f"c{number}"}) == [world.token.id]
            await world.end(outcomes.held(WHY, f"c{number}"))
        assert (await listed(world))[0].tried == ["*"]
        assert await take(world, {"k": "zz"}) == []
        assert await act(world, SagaAction.RELEASE) == "ok"
        await world.start()
        await hold(world, "c1", begins=False)
        assert (await listed(world))[0].tried == ["c1"], "an operator's release begins anew"


async def test_one_that_was_taken_and_waits_as_it_should_is_held_no_more(store: Redis) -> None:
    async with running(store) as world:
        await world.submit()
        await hold(world)
        await take(world, {"k": "bb"})
        await world.end(outcomes.waiting(-1, 0, " go "))
        assert await nothing_is_held(world)
        assert await act(world, SagaAction.RELEASE) == "same"
        assert await world.gateway.signal(world.token, "", "go", "", "1") == "ok"
        # The code that did not fit gets it again by its queue, and holds it again: the other one takes it at once.
        await world.start()
        await hold(world, "aa", begins=False)
        assert await take(world, {"k": "bb"}) == [world.token.id]
        assert await world.end(outcomes.succeeded(b"1")) == "ok"
        assert await nothing_is_held(world)


async def test_a_held_saga_that_is_cancelled_undoes_its_work_or_ends(store: Redis) -> None:
    async with running(store) as world:
        await world.submit()
        await hold(world)
        assert await world.gateway.cancel(world.token) == "cancelled"
        assert await nothing_is_held(world)
    async with running(store) as world:
        await world.submit()
        await world.start()
        await world.write("1", status=StepStatus.SUCCEEDED, ok=True, outcome="1", undo="u", owes=1)
        await hold(world, begins=False)
        assert await world.gateway.cancel(world.token) == "asked"
        assert await nothing_is_held(world)
        assert (await world.start()).unwinding
        # Code that does not fit holds it while it undoes its work, too.
        await hold(world, begins=False)
        assert [one.unwinding for one in await listed(world)] == [True]
        assert await take(world, {"k": "bb"}) == [world.token.id]


async def test_a_held_saga_ends_at_its_deadline(store: Redis) -> None:
    async with running(store) as world:
        await world.submit(deadline_ms=60_000)
        await hold(world)
        place = KEYS.job("p", world.token.id)
        await store.hset(place, "deadline", 1)
        for key in (KEYS.scheduled("p"), KEYS.deadlines("p")):
            await store.zadd(key, {world.token.id: 1})
        await world.worker.promote()
        assert (await world.record()).state == "expired"
        assert await nothing_is_held(world)


async def test_a_sweep_leaves_held_sagas_alone(store: Redis) -> None:
    async with running(store) as world:
        await world.submit()
        await hold(world)
        cursor = "0"
        while (cursor := (await world.worker.sweep(["normal"], [], 60, cursor)).cursor) != "0":
            pass
        assert await counted(world) == [("k", 1, "p", 1)]


async def test_what_lies_in_a_line_and_is_held_no_more_goes(store: Redis) -> None:
    async with running(store) as world:
        await world.submit()
        await hold(world)
        line = KEYS.held_sagas("p", "normal/k@1!aa")
        await store.zadd(line, {"gone": 1})
        # A process of an earlier release has queued it when a child ended, and it waits for something else by now.
        await store.hset(KEYS.job("p", world.token.id), "awaits", "")
        assert await take(world, {"k": "bb"}) == []
        assert await nothing_is_held(world)


@pytest.mark.parametrize("name", [KEYS.held_sagas("p"), KEYS.held_sagas("p", "normal/k@1!aa")])
async def test_a_key_of_another_type_stops_no_worker(store: Redis, name: str) -> None:
    async with running(store) as world:
        await world.submit()
        await hold(world)
        await store.delete(name)
        await store.set(name, "other")
        assert await take(world, {"k": "bb"}) == []
        assert await counted(world) == []


async def test_one_that_was_held_has_not_submitted_the_children_whose_steps_run(store: Redis) -> None:
    async with running(store) as world:
        await world.submit()
        await world.start()
        await world.write("1", type=StepType.CALL, child="c.x", owes=1, kind="k")
        await hold(world, begins=False)
        await take(world, {"k": "bb"})
        assert (await world.saga.read("p", world.token.id, world.fence)).parked == 0


async def test_acts_on_what_is_no_running_saga_say_so(store: Redis) -> None:
    async with running(store) as world:
        assert await act(world, SagaAction.PIN) == "unknown"
        await world.submit()
        assert await act(world, SagaAction.PIN) == "no_saga"
        await world.start()
        await world.write()
        for what in (SagaAction.PIN, SagaAction.UNPIN):
            assert [await act(world, what), await act(world, what)] == ["ok", "same"]
        await world.end(outcomes.succeeded(b"1"))
        assert await act(world, SagaAction.RELEASE) == "finished"
