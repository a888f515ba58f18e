"""What is recorded of running sagas, on a real store, without workers."""

import msgspec
from redis.asyncio import Redis

from saga.world import World, running
from tidings.protocol.frames.envelope import Envelope, encode_envelope
from tidings.protocol.steps import StepStatus
from tidings.saga.recorded_saga import RecordedSaga
from tidings.store.admin.sagas.running_sagas import SagaFilter
from tidings.store.admin.sagas.saga_recordings import record_sagas
from tidings.store.jobs.job_store import NewJob
from tidings.store.keys import StoreKeys
from tidings_worker.outcome import outcomes

KEYS = StoreKeys()
INPUT = msgspec.Raw(b'{"item":"tea"}')
ENVELOPE = encode_envelope(Envelope("k", INPUT, 2)).decode()


async def begin(world: World) -> None:
    job = NewJob(world.token.id, "k", "normal", ENVELOPE, watch=0, version=2)
    await world.gateway.submit("p", job)
    await world.start()
    await world.write("1", status=StepStatus.SUCCEEDED, ok=True, outcome='"hold"')
    await world.worker.once(world.token.id, world.fence, "patched:new", "true")


async def recorded(world: World, **wanted: object) -> list[RecordedSaga]:
    chosen = SagaFilter(**wanted)  # type: ignore[arg-type]
    return [one async for one in record_sagas(world.store, KEYS, ["p", "q"], chosen)]


async def test_a_saga_is_recorded_wherever_it_is(store: Redis) -> None:
    async with running(store) as world:
        await begin(world)
        (runs,) = await recorded(world)
        assert (runs.token, runs.kind, runs.version, bytes(runs.input)) == (str(world.token), "k", 2, bytes(INPUT))
        assert runs.memos == {"patched:new": "true"}
        assert (runs.steps["1:out"], runs.epoch, runs.unwinding) == ('"hold"', 0, "")
        await world.end(outcomes.waiting(-1, 0, " go "))
        (waits,) = await recorded(world)
        assert waits == runs
        assert await world.gateway.signal(world.token, "", "go", "", "1") == "ok"
        (queued,) = await recorded(world)
        assert queued.steps["signal:go:1"] == "1"
        assert bytes(queued.input) == bytes(INPUT)
        await world.start()
        await world.end(outcomes.succeeded(b"1"))
        assert await recorded(world) == []


async def test_only_what_is_wanted_is_recorded(store: Redis) -> None:
    async with running(store) as world:
        await begin(world)
        assert len(await recorded(world, kind="k", version=2)) == 1
        assert await recorded(world, kind="k", version=1) == await recorded(world, kind="j") == []
        assert await recorded(world, held=True) == []


async def test_what_cannot_be_read_is_left_out(store: Redis) -> None:
    async with running(store) as world:
        await begin(world)
        await world.end(outcomes.waiting(-1, 0, " go "))
        await store.hset(KEYS.job("p", world.token.id), "envelope", "no envelope")
        await store.sadd(KEYS.sagas("p", "k@2"), "gone")
        assert await recorded(world) == []
        await store.delete(KEYS.steps("p", world.token.id))
        await store.set(KEYS.steps("p", world.token.id), "no journal")
        assert await recorded(world) == []
