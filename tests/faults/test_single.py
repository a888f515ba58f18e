"""Single faults, one at a time."""

import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
from redis import Redis
from websockets.exceptions import ConnectionClosed

from faults.checks.leftover import QUEUE, TIER
from faults.cluster import JOBS
from faults.jobs import RECORD
from support.peer import peer
from support.system import Process, System, system_fixture
from support.timeouts import scaled
from support.waiting import until_async
from tidings.store.keys import StoreKeys
from tidings_cli.lab.proxy import LinkMode, running_proxy

QUICK = {"TIDINGS_LEASE_S": "1", "TIDINGS_HEARTBEAT_S": "0.2"}


system = system_fixture(workers=0, scope="function")


@asynccontextmanager
async def paused(process: Process) -> AsyncIterator[None]:
    process.signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.signal(signal.SIGCONT)


async def printed(process: Process, *texts: str) -> None:
    """Return when a process has printed one of some texts."""
    await until_async(lambda: any(text in process.text() for text in texts))


async def begun(record: Path) -> None:
    """Return when a handler has noted that it runs, which is a moment after its job has started."""
    await until_async(lambda: record.exists() and '"began"' in record.read_text())


async def only_job(system: System) -> str:
    """Return the token of the one job there is, as soon as the store has it."""
    prefix = StoreKeys().job(QUEUE, "")
    with anyio.fail_after(scaled(30)), Redis(port=system.store.port, decode_responses=True) as store:
        names = await until_async(lambda: [str(name) for name in store.scan_iter("*job:*")])
    (name,) = names
    return f"{QUEUE}.{name.removeprefix(prefix)}"


async def test_the_late_outcome_of_a_worker_that_was_paused_is_refused(system: System, tmp_path: Path) -> None:
    record = tmp_path / "effects.ndjson"
    settings = {**QUICK, RECORD: str(record)}
    old = system.add_worker(str(JOBS), **settings)
    system.server.wait_until_ready(kinds=1)
    async with peer(system.server.socket_url) as client:
        ack = await client.submit("slow", {"number": 7, "seconds": 1})
        await client.until(ack["token"], "started")
        await begun(record)
        async with paused(old):
            system.add_worker(str(JOBS), **settings)
            assert (await client.until(ack["token"], "started"))[-1]["data"] == {"attempt": 2}
            end = (await client.until(ack["token"]))[-1]
        await printed(old, "outcome_refused", "attempt_lost")
        snapshot = await client.ask("watch", token=ack["token"])
    assert end["data"] == {"result": 7}
    assert record.read_text().count('"began"') == 2
    assert (snapshot["status"], snapshot["seq"], snapshot["attempt"]) == ("succeeded", end["seq"], 2)
    with Redis(port=system.store.port) as store:
        assert store.xlen(StoreKeys().ready(QUEUE, TIER)) == 0


async def test_a_submit_whose_reply_was_lost_is_one_job_when_it_is_repeated(system: System) -> None:
    system.add_worker()
    system.server.wait_until_ready(kinds=1)
    submit = {"kind": "echo", "input": {"text": "x"}, "key": "mine"}
    async with running_proxy(system.server.port) as proxy:
        address = f"ws://127.0.0.1:{proxy.port}/v1/socket"
        async with peer(address) as client:
            proxy.set_mode(LinkMode.MUTE)
            await client.send("submit", **submit)
            token = await only_job(system)
            proxy.set_mode(LinkMode.RESET)
            with pytest.raises(ConnectionClosed):
                await client.receive()
        proxy.set_mode(LinkMode.OPEN)
        async with peer(address) as client:
            ack = await client.ask("submit", **submit)
            assert (ack["token"], ack["duplicate"]) == (token, True)
            assert await only_job(system) == token
