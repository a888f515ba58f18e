"""A replay: what of the job is kept, what starts again, and that it happens once."""

import asyncio

import msgspec
import pytest
from redis.asyncio import Redis

from dead.world import World, failure
from support.stores.channels import subscribe
from support.timeouts import scaled
from tidings.protocol.events import EventClass
from tidings.protocol.tokens import Token
from tidings.store.attempts.attempt_store import AttemptReport
from tidings.store.keys import StoreKeys
from tidings.store.redis.store_client import command
from tidings_worker.outcome import outcomes

KEPT = (b"owner", b"correlation_id", b"kind", b"tier", b"submitted", b"once:charge", b"history")


async def prepared(world: World, *, expired: bool) -> tuple[Token, dict[bytes, bytes]]:
    """Have a job with everything a record may hold fail; return its token and its record then."""
    token = await world.submit(owner="ann", correlation_id="corr", deadline_ms=3_600_000)
    begun = await world.start()
    key = StoreKeys().job("p", token.id)
    await command(world.store, "HSET", key, "once:charge", '"paid"', "lost", 1)
    report = AttemptReport(token.id, begun[1].fence, 1)
    report.events += [(EventClass.PROGRESS, '{"fraction":0.5}'), (EventClass.LOG, "1")]
    report.outcome = failure()
    await world.first.report(report)
    before = await world.hash(token)
    if expired:
        await world.expire(token)
    return token, before


@pytest.mark.parametrize("expired", [False, True])
async def test_the_job_keeps_what_it_is_and_its_attempts_begin_at_one(world: World, expired: bool) -> None:
    token, before = await prepared(world, expired=expired)
    letter = await world.letter(token)
    assert await world.dead.replay([letter.entry]) == ["queued"]
    after = await world.hash(token)
    assert {name: after[name] for name in KEPT} == {name: before[name] for name in KEPT}
    assert (after[b"state"], after[b"attempt"], after[b"lost"], after[b"replays"]) == (b"queued", b"0", b"0", b"1")
    assert int(after[b"seq"]) == int(before[b"seq"]) + 1
    assert after[b"fence"] == before[b"fence"]
    for name in (b"problem", b"finished", b"deadline", b"progress", b"letter", b"cancel"):
        assert name not in after
    assert await command(world.store, "TTL", StoreKeys().job("p", token.id)) == -1
    entry, started = await world.start(world.second)
    assert (entry.id, started.attempt, started.fence, started.remaining_ms) == (token.id, 1, 2, 0)
    assert await world.end((entry, started), outcomes.succeeded(b"7"), world.second) == "ok"
    assert (await world.record(token)).result == "7"
    assert [letter async for letter in world.dead.scan()] == []


@pytest.mark.parametrize("expired", [False, True])
async def test_the_log_goes_on_if_it_is_there_and_is_known_to_be_cut_if_it_is_not(world: World, expired: bool) -> None:
    token, _ = await prepared(world, expired=expired)
    await world.dead.replay([(await world.letter(token)).entry])
    record = await world.record(token)
    assert [chunk for _, _, chunk in record.chunks] == ([] if expired else ["1"])
    assert record.log_from == (record.seq if expired else 0)
    assert await command(world.store, "TTL", StoreKeys().log("p", token.id)) == (-2 if expired else -1)


async def test_thousands_of_memoised_steps_come_back(world: World) -> None:
    token = await world.submit()
    begun = await world.start()
    steps = {f"once:{number}": str(number) for number in range(10_000)}
    pairs = [part for pair in steps.items() for part in pair]
    await command(world.store, "HSET", StoreKeys().job("p", token.id), *pairs)
    await world.end(begun, failure())
    entry = (await world.letter(token)).entry
    await world.expire(token)
    assert await world.dead.replay([entry]) == ["queued"]
    after = {name.decode(): value.decode() for name, value in (await world.hash(token)).items()}
    assert steps.items() <= after.items()


@pytest.mark.parametrize("expired", [False, True])
async def test_two_replays_at_the_same_time_give_one_run(world: World, store: Redis, expired: bool) -> None:
    tokens = [await world.die() for _ in range(20)]
    entries = [letter.entry async for letter in world.dead.scan()]
    if expired:
        for token in tokens:
            await world.expire(token)
    answers = await asyncio.gather(*(world.dead.replay(entries) for _ in range(4)))
    assert sorted(one for answer in answers for one in answer) == ["gone"] * 60 + ["queued"] * 20
    assert await command(store, "XLEN", StoreKeys().ready("p", "standard")) == 20
    assert [(await world.record(token)).seq for token in tokens] == [4] * 20


async def test_a_replay_again_changes_nothing_whatever_became_of_the_job(world: World) -> None:
    token = await world.die()
    entry = (await world.letter(token)).entry
    await world.dead.replay([entry])

    async def again(state: str) -> None:
        before = await world.hash(token)
        assert before[b"state"].decode() == state
        assert await world.dead.replay([entry]) == ["gone"]
        assert await world.hash(token) == before

    await again("queued")
    begun = await world.start()
    await again("running")
    await world.end(begun, outcomes.succeeded(b"1"))
    await again("succeeded")


async def test_a_job_that_is_not_failed_is_left_alone(world: World) -> None:
    token = await world.die()
    letter = await world.letter(token)
    await command(world.store, "HSET", StoreKeys().job("p", token.id), "state", "succeeded")
    assert await world.dead.replay([letter.entry]) == ["live"]
    assert [one async for one in world.dead.scan()] == [letter]


async def test_a_job_may_die_and_be_replayed_again_and_its_history_goes_on(world: World) -> None:
    token = await world.die()
    for replays in range(1, 4):
        await world.dead.replay([(await world.letter(token)).entry])
        await world.end(await world.start(), failure())
        letter = await world.letter(token)
        assert (letter.attempt, letter.replays, len(letter.history)) == (1, replays, replays + 1)
    assert len([letter async for letter in world.dead.scan()]) == 1


async def test_a_wish_to_cancel_the_first_run_does_not_end_the_second(world: World) -> None:
    token = await world.submit()
    begun = await world.start()
    assert await world.gateway.cancel(token) == "asked"
    await world.end(begun, failure())
    await world.dead.replay([(await world.letter(token)).entry])
    _, started = await world.start()
    assert started.go


async def test_a_stale_worker_of_the_first_run_is_refused(world: World) -> None:
    token = await world.submit()
    stale = await world.start()
    entries = await world.second.take_over("standard", 0, 1)
    (started,) = await world.second.start(entries)
    await world.end((entries[0], started), failure(), world.second)
    await world.dead.replay([(await world.letter(token)).entry])
    assert await world.end(stale, outcomes.succeeded(b"1")) == "lost"
    await world.start()
    assert await world.end(stale, outcomes.succeeded(b"1")) == "lost"


async def test_a_new_watch_sees_the_replay_and_what_follows(world: World, store: Redis) -> None:
    token = await world.die()
    inbox = store.pubsub()
    await subscribe(inbox, store, StoreKeys().inbox("p", "g"))
    await world.dead.replay([(await world.letter(token)).entry])
    record = await world.gateway.watch(token, after=3)
    assert (record.state, record.seq, record.finished) == ("queued", 4, None)
    await world.end(await world.start(), outcomes.succeeded(b"1"))
    heard: list[tuple[int, str]] = []
    while len(heard) < 2:
        message = await inbox.get_message(ignore_subscribe_messages=True, timeout=scaled(10))
        for _, seq, _, frame in msgspec.msgpack.decode(message["data"]) if message else ():
            heard.append((seq, msgspec.json.decode(frame)["event"]))
    assert heard == [(5, "started"), (6, "succeeded")]
    await inbox.aclose()  # type: ignore[no-untyped-call]


async def test_an_earlier_key_leads_to_the_replayed_job(world: World) -> None:
    token = await world.die(key="a", fingerprint="x")
    await world.dead.replay([(await world.letter(token)).entry])
    with pytest.raises(AssertionError):
        await world.submit(key="a", fingerprint="x")
    assert (await world.record(token)).state == "queued"


async def test_a_dropped_letter_is_gone_and_the_job_stays_failed(world: World) -> None:
    token, other = await world.die(), await world.die()
    entry = (await world.letter(token)).entry
    assert await world.dead.drop([entry]) == ["dropped"]
    assert await world.dead.drop([entry]) == ["gone"]
    assert await world.dead.replay([entry]) == ["gone"]
    record = await world.record(token)
    assert record.state == "failed"
    assert record.problem
    assert sorted(await world.dead.find(token.id, other.id)) == [other.id]
