"""Each alert on the pages that real processes show: silent while all is well, and firing at the first occurrence."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import msgspec
import pytest
import yaml

from metric.alert_world import LIMITS, World, world_of
from metric.tape import PROMTOOL, RULES
from support.peer import peer
from support.scrape import scrape
from support.system import JOBS
from support.waiting import until_async
from support.wire.raw import CLOSE, TEXT, frame, raw_socket
from tidings.process.port import free_port
from tidings.protocol.event_pattern import EventPattern
from tidings.protocol.kinds.kind_record import KindRecord
from tidings.protocol.tokens import parse_token
from tidings.store.admin.paused_queues import PausedQueues
from tidings.store.breaker_store import BreakerStore
from tidings.store.groups.group_store import EventOutcome, EventReport, GroupStore, StreamBounds
from tidings.store.keys import REGISTRY, StoreKeys
from tidings.store.redis.store_client import command
from tidings.store.registry import Registry
from tidings.webhook import new_secret
from tidings_cli.lab.message_faults import MessageFaults
from tidings_cli.lab.simulation import LinkFaults
from webhook.receiver import Answer, running_receiver

pytestmark = pytest.mark.skipif(not PROMTOOL, reason="promtool is missing: make setup")

SOON = 9
"""Minutes after which an alert with a short `for` fires, and its window still holds what happened."""

LATER = 14

KEYS = StoreKeys()
OF_CLUSTERS = Path(__file__).parents[1] / "cluster/test_silent_nodes.py"
LATER_KINDS = Path(__file__).parents[1] / "versions/later_kinds.py"


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with world_of() as world:
        yield world


async def test_the_first_failure_of_a_kind_and_the_first_dead_letter(world: World, tmp_path: Path) -> None:
    await world.well()
    async with peer(world.server.socket_url) as client:
        await client.run("reject")
    await world.shows(world.urls["w1"], lambda now: now.sum("tidings_jobs_total", outcome="failed") == 1)
    await world.shows(world.urls["s1"], lambda now: now.sum("tidings_dead_jobs") == 1)
    await world.play(SOON)
    world.tape.firing("TidingsJobsFail", "TidingsDeadLetters")
    world.tape.check(tmp_path)


async def test_the_first_worker_that_is_lost(world: World, tmp_path: Path) -> None:
    path = tmp_path / "go"
    async with peer(world.server.socket_url) as client:
        ack = await client.submit("wait_for_file", {"path": str(path)})
        await client.until(ack["token"], "log")
        world.add_worker()
        await world.well()
        lost = world.system.workers[0]
        lost.process.kill()
        lost.wait()
        del world.urls["w1"]
        await client.until(ack["token"], "log")
        path.touch()
        await client.until(ack["token"])
    await world.shows(world.urls["w2"], lambda now: now.sum("tidings_redeliveries_total") == 1)
    await world.play(SOON)
    world.tape.firing("TidingsWorkersLost")
    world.tape.check(tmp_path)


async def test_the_first_job_that_is_slow(world: World, tmp_path: Path) -> None:
    await world.well()
    async with peer(world.server.socket_url) as client:
        ack = await client.submit("noop", delay=1)
        token = parse_token(ack["token"])
        assert token is not None
        key = KEYS.job(token.partition, token.id)
        await world.store.hincrby(key, "submitted", -120_000)
        await client.until(ack["token"])
    await world.shows(world.urls["w1"], lambda now: now.sum("tidings_jobs_total", kind="noop") == 1)
    await world.play(LATER)
    world.tape.firing("TidingsJobsSlow")
    world.tape.check(tmp_path)


async def test_the_first_ack_and_the_first_result_that_are_slow(tmp_path: Path) -> None:
    weather = MessageFaults("far", LinkFaults(latency_s=1.5), 1)
    async with world_of(weather) as world:
        await world.well()
        weather.calm = False
        async with peer(world.server.socket_url) as client:
            await client.run("noop")
        weather.calm = True
        told = "tidings_notify_seconds_count"
        await world.shows(world.urls["s1"], lambda now: now.sum(told, event="final") == 1)
        await world.shows(world.urls["s1"], lambda now: now.has("tidings_kind_workers"))
        await world.play(SOON)
        world.tape.firing("TidingsAcksSlow", "TidingsResultsSlow")
        world.tape.check(tmp_path)


async def test_a_breaker_that_is_open(world: World, tmp_path: Path) -> None:
    await world.well()
    async with BreakerStore(world.store, KEYS) as operator:
        await operator.open("payments")
    await world.shows(world.urls["s1"], lambda now: now.sum("tidings_breaker_state", breaker="payments") == 2)
    await world.play(SOON)
    world.tape.firing("TidingsBreakerOpen")
    world.tape.check(tmp_path)


async def test_jobs_that_wait_for_a_kind_without_workers(world: World, tmp_path: Path) -> None:
    await world.well()
    (worker,) = world.system.workers
    worker.process.terminate()
    worker.wait()
    del world.urls["w1"]
    async with peer(world.server.socket_url) as client:
        await client.submit("noop")
    await world.shows(
        world.urls["s1"], lambda now: now.sum("tidings_backlog_jobs") == 1 and now.sum("tidings_workers") == 0
    )
    await world.play(SOON)
    world.tape.firing("TidingsKindUnserved")
    world.tape.check(tmp_path)


async def test_jobs_that_wait_for_workers_of_another_release(world: World, tmp_path: Path) -> None:
    await world.well()
    other = world.system.add_worker(str(LATER_KINDS), **LIMITS)
    await until_async(
        lambda: "fresh" in {one["kind"] for one in world.server.get("/v1/kinds")[1]["kinds"]}, shown=other.text
    )
    other.process.terminate()
    other.wait()
    async with peer(world.server.socket_url) as client:
        await client.submit("fresh", {"number": 1})
    await world.shows(world.urls["s1"], lambda now: now.sum("tidings_unserved_jobs", kind="fresh") == 1)
    await world.play(SOON)
    world.tape.firing("TidingsKindUnserved", "TidingsVersionUnserved")
    world.tape.check(tmp_path)


async def test_sagas_that_are_held(world: World, tmp_path: Path) -> None:
    await world.well()
    line = "standard/noop@1!ab"
    await command(world.store, "ZADD", KEYS.held_sagas("default", line), 1, "held")
    await command(world.store, "HSET", KEYS.held_sagas("default"), line, 1)
    await world.shows(world.urls["s1"], lambda now: now.sum("tidings_held_sagas", kind="noop") == 1)
    await world.play(SOON)
    world.tape.firing("TidingsSagasHeld")
    world.tape.check(tmp_path)


async def test_a_kind_that_a_server_leaves_out(world: World, tmp_path: Path) -> None:
    await world.well()
    far = msgspec.Raw(b'{"$ref":"http://127.0.0.1:9/schema"}')
    await Registry(world.store, KEYS).register([KindRecord(kind="far", queue="default", input=far, result=far)])
    await world.shows(world.urls["s1"], lambda now: now.sum("tidings_kinds_left_out") == 1)
    await world.play(SOON)
    world.tape.firing("TidingsKindLeftOut")
    world.tape.check(tmp_path)


async def test_a_backlog_that_grows(world: World, tmp_path: Path) -> None:
    await world.well()
    await PausedQueues(world.store, KEYS).pause("default", "a test")
    async with peer(world.server.socket_url) as client:
        await client.submit("noop")
    await world.shows(world.urls["s1"], lambda now: now.sum("tidings_oldest_waiting_seconds") > 0)
    await world.play(SOON, tidings_backlog_jobs=1, tidings_oldest_waiting_seconds=60)
    world.tape.firing("TidingsBacklogGrows")
    world.tape.check(tmp_path)


async def test_clients_that_read_too_slowly(world: World, tmp_path: Path) -> None:
    await world.well()
    async with peer(world.server.socket_url) as client:
        ack = await client.submit("count", {"chunks": 400, "fat": 20_000})
        async with raw_socket(world.server.socket_url, receive_buffer=4096) as slow:
            await slow.write(frame(TEXT, json.dumps({"type": "watch", "ref": 1, "token": ack["token"]}).encode()))
            await client.until(ack["token"])
            while (await slow.frame()).opcode != CLOSE:
                pass
    await world.shows(world.urls["s1"], lambda now: now.sum("tidings_slow_consumers_total", transport="socket") == 1)
    await world.play(2 * LATER, tidings_slow_consumers_total=2)  # and two more each minute
    world.tape.firing("TidingsSlowConsumers")
    world.tape.check(tmp_path)


async def test_a_store_that_is_nearly_full(world: World, tmp_path: Path) -> None:
    await world.well()
    await world.store.setrange("ballast", 30_000_000, b"x")  # beside it what connections need is little
    used = int((await world.store.info("memory"))["used_memory"])
    await world.store.config_set("maxmemory", int(used * 1.05))
    await world.shows(world.urls["s1"], lambda now: now.sum("tidings_store_memory_max_bytes") > 0)
    await world.play(SOON)
    world.tape.firing("TidingsStoreNearlyFull")
    world.tape.check(tmp_path)


async def test_a_store_that_evicts(world: World, tmp_path: Path) -> None:
    await world.well()
    await world.store.config_set("maxmemory-policy", "allkeys-lru")
    await world.shows(world.urls["s1"], lambda now: now.sum("tidings_store_evicts") == 1)
    await world.play(SOON)
    world.tape.firing("TidingsStoreEvicts")
    world.tape.check(tmp_path)


async def test_a_store_that_cannot_be_read_in_time(world: World, tmp_path: Path) -> None:
    await world.well()
    await world.store.set(KEYS.breakers, "no set")  # so that each reading fails, and the last good one grows old
    age = "tidings_store_read_age_seconds"
    await world.shows(world.urls["s1"], lambda now: now.sum(age) > 2)
    await world.play(SOON, **{age: 60})
    world.tape.firing("TidingsStoreSlow")
    world.tape.check(tmp_path)


async def test_a_store_that_is_away_and_then_no_process_that_shows_it(world: World, tmp_path: Path) -> None:
    await world.well()
    world.system.store.kill()
    for url in world.urls.values():
        await world.shows(url, lambda now: now.has("tidings_store_up") and now.sum("tidings_store_up") == 0)
    await world.play(SOON)
    world.tape.firing("TidingsStoreAway")
    world.tape.play(SOON, {})
    world.tape.firing("TidingsNobodyTells")
    world.tape.check(tmp_path)


async def test_a_group_of_consumers_that_is_behind_misses_events_and_cannot_handle_others(
    world: World, tmp_path: Path
) -> None:
    followed, bounds = [EventPattern.of("noop")], StreamBounds(86_400, 2**20)
    await GroupStore(world.store, KEYS, REGISTRY, "w9").join("late", followed, bounds)  # where servers look for groups
    groups = GroupStore(world.store, KEYS, "default", "w9")
    joined = await groups.join("late", followed, bounds)
    await anyio.sleep(joined.wait_ms / 1000)  # until then a script may not know of the group
    url = world.urls["s1"]
    await world.shows(url, lambda now: now.has("tidings_group_behind_events", group="late"))
    await world.well()
    async with peer(world.server.socket_url) as client:
        for _ in range(2):
            await client.run("noop")
    await world.shows(url, lambda now: now.sum("tidings_group_behind_events", group="late") == 2)
    await world.play(2 * LATER, tidings_group_oldest_event_seconds=60)
    world.tape.firing("TidingsGroupBehind")
    (first,) = (await groups.take("late", followed, [], 60, 1)).events
    answers = await groups.settle("late", [EventReport(first.job, first.entry, first.tries, EventOutcome.DEAD)])
    assert answers == ["ok"]
    await world.store.xtrim(KEYS.events("default"), maxlen=0)
    await world.shows(url, lambda now: now.sum("tidings_group_dead_events", group="late") == 1)
    await world.shows(url, lambda now: now.sum("tidings_group_missed_events", group="late") == 1)
    await world.play(SOON)
    world.tape.firing("TidingsEventsMissed", "TidingsEventsDead")
    world.tape.check(tmp_path)


async def test_deliveries_that_no_worker_takes(world: World, tmp_path: Path) -> None:
    await world.well()
    async with peer(world.server.socket_url) as client:
        ack = await client.submit("noop", webhook={"url": "http://127.0.0.1:9/"})
        await client.until(ack["token"])
    await world.shows(world.urls["s1"], lambda now: now.sum("tidings_webhooks_overdue_seconds") > 0)
    await world.play(SOON, tidings_webhooks_overdue_seconds=60)
    world.tape.firing("TidingsWebhooksNotDelivered")
    world.tape.check(tmp_path)


async def test_deliveries_that_are_given_up(world: World, tmp_path: Path) -> None:
    port = free_port()
    deliver = {"TIDINGS_WEBHOOKS": "true", "TIDINGS_WEBHOOK_SECRETS": new_secret(), "TIDINGS_METRICS_PORT": str(port)}
    world.system.add_worker(str(JOBS), **deliver, **LIMITS)
    world.urls["w2"] = f"http://127.0.0.1:{port}/metrics"
    await world.well()
    with running_receiver(lambda _: Answer(410)) as receiver:
        async with peer(world.server.socket_url) as client:
            ack = await client.submit("noop", webhook={"url": receiver.url})
            await client.until(ack["token"])
        await world.shows(world.urls["w2"], lambda now: now.sum("tidings_webhooks_total", outcome="dead") == 1)
    await world.play(SOON)
    world.tape.firing("TidingsWebhooksDead")
    world.tape.check(tmp_path)


async def test_what_can_be_counted_is_0_before_it_happens(world: World) -> None:
    server, worker = (scrape(world.urls[name]) for name in ("s1", "w1"))
    assert {one.labels["transport"] for one in server.each("tidings_slow_consumers_total")} == {"socket", "stream"}
    assert server.has("tidings_ack_seconds_count", kind="noop", tier="standard")
    assert {one.labels["outcome"] for one in worker.each("tidings_jobs_total", kind="noop", tier="standard")} == {
        "succeeded",
        "failed",
        "cancelled",
        "expired",
    }
    for name in ("tidings_retries_total", "tidings_redeliveries_total", "tidings_total_seconds_count"):
        assert worker.has(name, kind="noop", tier="standard"), name
    for page in (server, worker):
        assert {one.value for one in page.samples if one.name.endswith("_total") and "tidings" in one.name} == {0}


def test_every_alert_is_tried() -> None:
    rules = [rule["alert"] for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]
    tried = Path(__file__).read_text() + OF_CLUSTERS.read_text()
    assert [name for name in rules if f'"{name}"' not in tried] == []
