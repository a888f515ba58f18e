"""Workers of two releases serve one queue: a job runs where its kind is served in its version, and goes there once."""

import asyncio
import signal
from pathlib import Path
from typing import Any

import anyio
import msgspec
import pytest

from support.peer import Peer, peer
from support.scrape import scrape
from support.system import System, WorkerProcess, system_fixture
from support.tidings_command import run_tidings
from support.timeouts import scaled
from support.waiting import until_async

EARLIER = str(Path(__file__).with_name("earlier_kinds.py"))
LATER = str(Path(__file__).with_name("later_kinds.py"))
GRACE_S = scaled(3.0)
ORDERS = ("order", "order_in_thread", "order_in_process")

system = system_fixture(workers=0, scope="function")


async def knows(system: System, version: int) -> None:
    """Return when the server knows a version of the orders."""
    await until_async(
        lambda: (
            {"kind": "order", "version": version}
            in [{"kind": one["kind"], "version": one["version"]} for one in system.server.get("/v1/kinds")[1]["kinds"]]
        ),
        seconds=20,
    )


def stop(worker: WorkerProcess) -> None:
    worker.signal(signal.SIGTERM)
    assert worker.wait() == 0, worker.text()


async def run_many(client: Peer, count: int, kind: str, **fields: Any) -> list[list[dict[str, Any]]]:
    """Submit many jobs at once; return the events of each."""
    for number in range(count):
        await client.send("submit", kind=kind, input={**fields, "number": number} if kind == "fresh" else fields)
    events: dict[str, list[dict[str, Any]]] = {}
    ended = 0
    while ended < count:
        frame = await client.receive()
        if frame["type"] == "event":
            events.setdefault(frame["token"], []).append(frame)
            ended += frame["event"] in ("succeeded", "failed")
    return list(events.values())


async def test_jobs_go_to_the_worker_that_serves_them_and_each_goes_there_once(system: System) -> None:
    system.add_worker(EARLIER)
    await knows(system, 1)
    system.add_worker(LATER)
    await knows(system, 2)
    async with peer(system.server.socket_url) as client:
        for kind, fields, expected in (
            ("fresh", {}, None),
            ("order", {"amount": 3, "currency": "USD"}, "3 USD"),
            ("order_in_thread", {"amount": 3, "currency": "USD"}, "3 USD"),
        ):
            for events in await run_many(client, 60, kind, **fields):
                names = [event["event"] for event in events]
                assert names[-1] == "succeeded"
                assert expected is None or events[-1]["data"]["result"] == expected
                assert names.count("started") == 1
                assert next(event for event in events if event["event"] == "started")["data"]["attempt"] == 1
                assert sum("waits_for" in (event["data"] or {}) for event in events) <= 1, "handed on once at the most"
        # What both serve, both run.
        pids = {events[-1]["data"]["result"] for events in await run_many(client, 60, "plain")}
        assert pids <= {worker.process.pid for worker in system.workers}
    assert "kind_not_served" in system.workers[0].text()


async def test_what_was_queued_under_an_older_version_is_brought_up_on_the_worker(system: System) -> None:
    earlier = system.add_worker(EARLIER)
    await knows(system, 1)
    stop(earlier)
    async with peer(system.server.socket_url) as client:
        acks = [await client.submit(kind, {"amount": 7}) for kind in ORDERS]
        bad = await client.submit("order", {"amount": -1})
        system.add_worker(LATER)
        for ack in acks:
            record = await _ended(system, ack["token"])
            assert record["result"] == "7 EUR"
        found = await _ended(system, bad["token"])
        assert (found["status"], found["problem"]["code"]) == ("failed", "handler_error")
        assert "the input is of version 1, and the handler takes version 2" in found["problem"]["detail"]
        assert "secret" not in msgspec.json.encode(found).decode()
    shown = run_tidings("dead", "show", bad["token"], "--store-url", system.store.url)
    assert "ValueError" in shown.stdout
    assert "the secret is 42" in shown.stdout


async def _ended(system: System, token: str) -> dict[str, Any]:
    found = await until_async(
        lambda: system.server.get(f"/v1/jobs/{token}")[1],
        lambda found: found["status"] in ("succeeded", "failed"),
        seconds=20,
    )
    return dict(found)


async def test_a_newer_version_waits_visibly_when_its_last_worker_has_left(system: System) -> None:
    system.add_worker(EARLIER)
    await knows(system, 1)
    later = system.add_worker(LATER)
    await knows(system, 2)
    async with peer(system.server.socket_url) as client:
        later.signal(signal.SIGKILL)
        later.wait()
        # Until the worker's presence has run out its version stands, and what is submitted waits for it.
        ack = await client.submit("order", {"amount": 1, "currency": "USD"})
        events = await client.until(ack["token"], "queued")
        assert events[-1]["data"] == {"waits_for": "a worker that serves order in version 2"}
        told = await until_async(lambda: _unserved(system), seconds=60, pause_s=0.1)
        assert [(one["kind"], one["version"], one["jobs"]) for one in told] == [("order", 2, 1)]
        said = run_tidings("status", "--store-url", system.store.url)
        assert "1 jobs of order in version 2 wait in default" in " ".join(said.stdout.split())
        with anyio.fail_after(scaled(60)):
            while True:
                page = await asyncio.to_thread(scrape, f"{system.server.url}/metrics")
                if page.sum("tidings_unserved_jobs", kind="order", queue="default") == 1:
                    break
                await anyio.sleep(0.1)
        system.add_worker(LATER)
        assert (await client.until(ack["token"]))[-1]["data"] == {"result": "1 USD"}
    assert _unserved(system) == []


def _unserved(system: System) -> list[dict[str, Any]]:
    told = run_tidings("status", "--json", "--store-url", system.store.url)
    return list(msgspec.json.decode(told.stdout)["unserved_kinds"])


@pytest.fixture
def strict(system: System) -> System:
    system.add_server(TIDINGS_UNSERVED_GRACE_S=str(GRACE_S))
    return system


async def test_a_kind_is_accepted_for_a_grace_after_its_last_worker_and_refused_then(strict: System) -> None:
    server = strict.servers[-1]
    worker = strict.add_worker(EARLIER)
    server.wait_until_ready(kinds=4)
    async with peer(server.socket_url) as client:
        stop(worker)
        ack = await client.submit("plain")
        assert ack["type"] == "ack", "the grace has just begun"
        answer = await until_async(
            lambda: client.submit("plain"), lambda answer: answer["type"] != "ack", seconds=GRACE_S + 20
        )
        problem = answer["problem"]
        assert (problem["code"], problem["status"], problem["field"]) == ("unserved", 503, "/kind")
        assert (problem["limit"], problem["retry_after"]) == (GRACE_S, 10)
        assert problem["detail"].startswith("no worker has served the kind plain for ")
        # The other server has a longer grace; and a worker that comes ends it.
        strict.add_worker(EARLIER)
        await until_async(lambda: client.submit("plain"), lambda found: found["type"] == "ack", seconds=20)
        assert (await _ended(strict, ack["token"]))["status"] == "succeeded"
