"""What a worker learns from its heartbeat, where nothing else told it; and what it never starts."""

import time
from pathlib import Path

from support.peer import peer
from support.system import System, system_fixture
from support.timeouts import scaled
from tidings.protocol.tokens import parse_token
from tidings.store.keys import StoreKeys
from tidings.store.redis.store_client import command, open_store

QUICK = {"TIDINGS_LEASE_S": "3", "TIDINGS_HEARTBEAT_S": "0.2", "TIDINGS_SLOTS": "1"}


system = system_fixture(both=QUICK)


async def in_record(system: System, token: str, *words: str | int) -> None:
    """Run a command on a job's record, as if a script had, whose message to the worker was lost."""
    name, *rest = words
    parsed = parse_token(token)
    assert parsed is not None
    store = open_store(system.store.url)
    await command(store, name, StoreKeys().job(*parsed), *rest)
    await store.aclose()


async def test_a_wish_to_cancel_that_was_not_heard_is_found_by_the_heartbeat(system: System, tmp_path: Path) -> None:
    async with peer(system.server.socket_url) as client:
        ack = await client.submit("wait_for_file", {"path": str(tmp_path / "never")})
        await client.until(ack["token"], "log")
        await in_record(system, ack["token"], "HSET", "cancel", 1)
        assert (await client.until(ack["token"]))[-1]["event"] == "cancelled"


async def test_a_worker_that_lost_a_job_stops_its_handler(system: System, tmp_path: Path) -> None:
    path = tmp_path / "never"
    async with peer(system.server.socket_url) as client:
        ack = await client.submit("wait_in_thread", {"path": str(path)})
        await client.until(ack["token"], "progress")
        await in_record(system, ack["token"], "HINCRBY", "fence", 1)
        give_up = time.monotonic() + scaled(30)
        while not path.with_name("never.stopped").exists():
            assert time.monotonic() < give_up
        await in_record(system, ack["token"], "HSET", "cancel", 1)  # for whoever takes it over
        assert (await client.until(ack["token"]))[-1]["event"] == "cancelled"
    assert "attempt_lost" in system.workers[0].text()


async def test_a_job_past_its_deadline_is_never_started(system: System, tmp_path: Path) -> None:
    path = tmp_path / "go"
    async with peer(system.server.socket_url) as client:
        first = await client.submit("wait_for_file", {"path": str(path)})
        await client.until(first["token"], "log")
        late = await client.submit("noop", deadline=0.001)
        path.touch()
        assert [event["event"] for event in await client.until(late["token"])] == ["expired"]
