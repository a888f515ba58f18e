"""The proxy of the lab on real sockets: latency, order, breaks, unix sockets, and a worker that is doomed."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from redis.asyncio import Redis

from support.queued import one_job
from support.store import StoreProcess
from support.timeouts import scaled
from tidings.store.attempts.attempt_store import AttemptStore
from tidings.store.availability.store_errors import StoreError
from tidings.store.keys import StoreKeys
from tidings.store.redis.store_client import open_store
from tidings_cli.lab.crash_injector import CrashInjector
from tidings_cli.lab.message_faults import MessageFaults
from tidings_cli.lab.proxy import Proxy
from tidings_cli.lab.simulation import LinkFaults
from tidings_worker.outcome import outcomes


@asynccontextmanager
async def echo(folder: Path, faults: LinkFaults) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection to a server that says again what it hears, in such weather."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionResetError):
            while data := await reader.read(65_536):
                writer.write(data)
        writer.close()

    server = await asyncio.start_unix_server(answer, str(folder / "echo.sock"))
    weather = MessageFaults("client", faults, 1)
    weather.calm = False
    proxy = Proxy(str(folder / "echo.sock"), faults=weather)
    await proxy.listen(at=str(folder / "proxy.sock"))
    reader, writer = await asyncio.open_unix_connection(str(folder / "proxy.sock"))
    try:
        yield reader, writer
    finally:
        writer.close()
        await proxy.close()
        server.close()


async def test_messages_come_late_in_order_and_do_not_wait_for_each_other(tmp_path: Path) -> None:
    async with (
        echo(tmp_path, LinkFaults(latency_s=0.1, jitter_s=0.05)) as (reader, writer),
        asyncio.timeout(scaled(15)),
    ):
        begun = time.monotonic()
        sent = b"".join(b"%04d" % number for number in range(200))
        for at in range(0, len(sent), 4):
            writer.write(sent[at : at + 4])
            await asyncio.sleep(0)  # so that the proxy reads them one by one, or nearly: then they would take 40 s
        assert await reader.readexactly(len(sent)) == sent
        assert time.monotonic() - begun >= 0.1


async def test_a_connection_that_breaks_ends(tmp_path: Path) -> None:
    async with echo(tmp_path, LinkFaults(reset=1)) as (reader, writer), asyncio.timeout(scaled(5)):
        writer.write(b"a")
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read() == b""


async def test_the_outcome_of_a_doomed_attempt_is_never_recorded(store: Redis, store_process: StoreProcess) -> None:
    killed: list[str] = []
    doom = CrashInjector(1.0, 1, killed.append)
    doom.calm = False
    proxy = Proxy(store_process.port, listen=doom.new_listener)
    await proxy.listen()
    client = open_store(f"redis://127.0.0.1:{proxy.port}/0")
    async with one_job(store) as job, AttemptStore(client, StoreKeys(), "p", "w1") as worker:
        (started,) = await worker.start(await worker.take(["standard"], 1, 1))
        report = job.report(started.fence)
        assert await worker.report(report) == "ok"  # it may say how far it is
        report = job.report(started.fence, 2)
        report.outcome = outcomes.succeeded(b"1")
        saying = worker.report(report)
        with pytest.raises(StoreError):
            await saying
        assert killed == [job.id]
        assert (await job.record()).state == "running"
    await client.aclose()
    await proxy.close()


async def test_a_doomed_attempt_that_takes_long_is_killed_meanwhile(store: Redis, store_process: StoreProcess) -> None:
    killed: asyncio.Queue[str] = asyncio.Queue()
    doom = CrashInjector(1.0, 1, killed.put_nowait)
    doom.calm = False
    proxy = Proxy(store_process.port, listen=doom.new_listener)
    await proxy.listen()
    client = open_store(f"redis://127.0.0.1:{proxy.port}/0")
    async with one_job(store) as job, AttemptStore(client, StoreKeys(), "p", "w1") as worker:
        await worker.start(await worker.take(["standard"], 1, 1))
        async with asyncio.timeout(scaled(10)):
            assert await killed.get() == job.id
    await client.aclose()
    await proxy.close()
