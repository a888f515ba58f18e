"""Deliveries on their way: one worker at a time, leases, places that take turns, rests, and what operators do."""

import msgspec
import pytest

from dead.world import World
from tidings.protocol.tokens import Token
from tidings.store.keys import StoreKeys
from tidings.store.redis.store_client import command
from tidings_worker.outcome import outcomes
from webhook.deliveries import Deliveries, hook

KEYS = StoreKeys()


async def made(world: World, place: str = "hooks.example") -> Token:
    token = await world.submit(webhook=hook(place=place))
    await world.end(await world.start(), outcomes.succeeded(b"1"))
    return token


async def test_a_delivery_is_with_one_worker_at_a_time(world: World, deliveries: Deliveries) -> None:
    await made(world)
    (one,) = await deliveries.take()
    assert await deliveries.take() == []
    assert await deliveries.end(one) == "ok"
    assert await deliveries.end(one) == "lost"
    assert await deliveries.take() == []


async def test_a_worker_that_dies_loses_none_and_may_not_report_any_more(world: World, deliveries: Deliveries) -> None:
    token = await made(world)
    (first,) = await deliveries.take()
    await deliveries.forward(first, 29)
    assert await deliveries.take() == []
    await deliveries.forward(first, 2)
    (second,) = await deliveries.take()
    assert (second.name, second.webhook_id, second.tail) == (first.name, first.webhook_id, first.tail)
    assert second.fence == first.fence + 1
    assert await deliveries.end(first) == "lost"
    assert await deliveries.states(token) == [("succeeded", "sending")]
    assert await deliveries.end(second) == "ok"
    assert await deliveries.states(token) == [("succeeded", "delivered")]


async def test_so_many_are_under_way_to_one_place_and_no_more(world: World, deliveries: Deliveries) -> None:
    for _ in range(5):
        await made(world, "slow.example")
    await made(world, "quick.example")
    found = await deliveries.take()
    assert sorted(one.place for one in found) == ["quick.example", "slow.example", "slow.example"]
    await deliveries.end(next(one for one in found if one.place == "slow.example"))
    assert [one.place for one in await deliveries.take()] == ["slow.example"]


async def test_places_take_turns(world: World, deliveries: Deliveries) -> None:
    for _ in range(4):
        for place in ("a.example", "b.example", "c.example"):
            await made(world, place)
    seen = []
    for _ in range(6):
        (one,) = await deliveries.take(1)
        seen.append(one.place)
        await deliveries.end(one)
    assert {seen.count(place) for place in ("a.example", "b.example", "c.example")} == {2}


async def test_a_try_that_failed_is_followed_by_another_when_it_is_due(world: World, deliveries: Deliveries) -> None:
    token = await made(world)
    (one,) = await deliveries.take()
    await deliveries.end(one, "again", 60_000)
    assert await deliveries.take() == []
    (row,) = await deliveries.of(token)
    assert (row.state, row.tries, row.tried) == ("waiting", 1, '{"status":500}')
    wait_ms, _ = await deliveries.store.take("p", 1)
    assert 50_000 < wait_ms <= 60_000
    await command(world.store, "ZADD", KEYS.webhook("p", "due", one.place), 1, one.name)
    await command(world.store, "ZADD", KEYS.webhook("p", "places"), 1, one.place)
    (again,) = await deliveries.take()
    assert again.tries == 1


async def test_one_that_was_not_tried_counts_no_try(world: World, deliveries: Deliveries) -> None:
    token = await made(world)
    (one,) = await deliveries.take()
    await deliveries.end(one, "back", 0)
    (row,) = await deliveries.of(token)
    assert (row.state, row.tries, row.tried) == ("waiting", 0, "")


async def test_a_place_rests_and_others_do_not(world: World, deliveries: Deliveries) -> None:
    await made(world, "down.example")
    await made(world, "down.example")
    (one, _) = await deliveries.take()
    await deliveries.end(one, "back", 0, rest_ms=60_000)
    await made(world, "up.example")
    assert [found.place for found in await deliveries.take()] == ["up.example"]
    (place,) = [row for row in (await deliveries.store.places("p"))[1] if row.place == "down.example"]
    assert (place.due, place.held) == (1, 1)
    assert place.rest_ms > 0


async def test_an_operator_pauses_a_place_and_resumes_it(world: World, deliveries: Deliveries) -> None:
    assert await deliveries.store.act("p", "pause", ["hooks.example"]) == ["ok"]
    assert await deliveries.store.act("p", "pause", ["hooks.example"]) == ["same"]
    await made(world)
    assert await deliveries.take() == []
    assert (await deliveries.store.counts(["p"]))[0].paused == 1
    assert await deliveries.store.act("p", "resume", ["hooks.example"]) == ["ok"]
    (one,) = await deliveries.take()
    await deliveries.end(one, "back", 0, rest_ms=60_000)
    await deliveries.store.act("p", "pause", ["hooks.example"])
    assert (await deliveries.store.places("p"))[1][0].rest_ms == -1


async def test_a_dead_delivery_is_replayed_and_tried_from_the_beginning(world: World, deliveries: Deliveries) -> None:
    token = await made(world)
    (one,) = await deliveries.take()
    assert await deliveries.store.act("p", "replay", [one.name]) == ["busy"]
    await deliveries.end(one, "dead")
    assert (await deliveries.store.page("p", "dead"))[1][0].name == one.name
    assert await deliveries.store.act("p", "replay", [one.name, "gone_1_1", "nonsense"]) == ["ok", "gone", "gone"]
    assert (await deliveries.store.page("p", "dead")) == (0, [])
    (again,) = await deliveries.take()
    assert (again.webhook_id, again.tries) == (one.webhook_id, 0)
    await deliveries.end(again)
    (row,) = await deliveries.of(token)
    assert (row.state, row.tried) == ("delivered", '{"status":500}\n{"status":200}')
    assert await command(world.store, "PTTL", KEYS.webhook("p", "of", token.id)) > 0


async def test_an_operator_drops_what_waits_or_is_dead(world: World, deliveries: Deliveries) -> None:
    token = await made(world)
    (row,) = await deliveries.of(token)
    assert await deliveries.store.act("p", "drop", [row.name]) == ["ok"]
    assert await deliveries.store.act("p", "drop", [row.name]) == ["same"]
    assert await deliveries.take() == []
    assert await deliveries.states(token) == [("succeeded", "dropped")]
    counts = (await deliveries.store.counts(["p"]))[0]
    assert (counts.pending, counts.dead) == (0, 0)


async def test_what_is_over_is_kept_for_a_time_and_what_is_not_for_ever(world: World, deliveries: Deliveries) -> None:
    token = await made(world)
    row = KEYS.webhook("p", "of", token.id)
    assert await command(world.store, "PTTL", row) == -1
    (one,) = await deliveries.take()
    await deliveries.end(one)
    assert 0 < await command(world.store, "PTTL", row) <= 86_400_000
    dead = await made(world)
    (one,) = await deliveries.take()
    await deliveries.end(one, "dead")
    assert await command(world.store, "PTTL", KEYS.webhook("p", "of", dead.id)) > 86_400_000


async def test_deliveries_that_lie_in_no_row_are_put_back_by_the_sweep(world: World, deliveries: Deliveries) -> None:
    token = await made(world)
    await command(world.store, "DEL", KEYS.webhook("p", "due", "hooks.example"), KEYS.webhook("p", "places"))
    assert await deliveries.take() == []
    assert (await world.first.sweep(["standard"], ["one"], 60, "0")).lost == 1
    assert [one.job for one in await deliveries.take()] == [token.id]


async def test_a_delivery_whose_job_is_forgotten_is_forgotten(world: World, deliveries: Deliveries) -> None:
    token = await made(world)
    await command(world.store, "DEL", KEYS.webhook("p", "of", token.id))
    assert await deliveries.take() == []
    assert (await deliveries.store.counts(["p"]))[0].pending == 0


@pytest.mark.parametrize("name", ["of", "due", "held", "pending", "places", "rests", "callers", "dead", "done"])
async def test_a_key_that_no_script_wrote_stops_no_job_from_ending(
    world: World, deliveries: Deliveries, name: str
) -> None:
    """The deliveries are made in the script that ends the job: what is broken there must not keep the job alive."""
    token = await world.submit(webhook=hook())
    of = {"of": token.id, "due": "hooks.example", "held": "hooks.example"}.get(name, "")
    await command(world.store, "SET", KEYS.webhook("p", name, of), "nonsense")
    begun = await world.start()
    assert await world.end(begun, outcomes.succeeded(b"1")) == "ok"
    assert (await world.record(token)).state == "succeeded"


async def test_counts_say_how_many_wait_and_since_when(world: World, deliveries: Deliveries) -> None:
    assert msgspec.structs.astuple((await deliveries.store.counts(["p"]))[0])[1:] == (0, 0, 0, 0, 0, 0)
    await made(world)
    await made(world)
    counts = (await deliveries.store.counts(["p"]))[0]
    assert (counts.pending, counts.dead, counts.places) == (2, 0, 1)
    assert 0 < counts.oldest_ms <= counts.now_ms
