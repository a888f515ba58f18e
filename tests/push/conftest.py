"""A server behind a proxy of its own, and a job that tells as much as a test wants."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from redis.asyncio import Redis

from push.world import Inbox, Teller
from support.system import ServerProcess, System, system_fixture
from support.timeouts import scaled
from tidings.store.redis.store_client import open_store
from tidings_cli.lab.proxy import running_proxy

PROBE_S = 0.1
"""Time between two probes on a quiet machine: two without an echo say that the inbox does not hear."""


system = system_fixture(servers=2)


@pytest.fixture
async def store_of_system(system: System) -> AsyncIterator[Redis]:
    client = open_store(system.store.url)
    yield client
    await client.aclose()


@pytest.fixture
def teller(tmp_path: Path, system: System) -> Teller:
    return Teller(tmp_path / "goal", system.server)


@pytest.fixture
async def inbox(system: System) -> AsyncIterator[Inbox]:
    probe_s = scaled(PROBE_S)
    async with running_proxy(system.store.port) as proxy, httpx.AsyncClient() as http:
        server = ServerProcess(f"redis://127.0.0.1:{proxy.port}/0", TIDINGS_PROBE_S=str(probe_s))
        try:
            inbox = Inbox(server, proxy, http, probe_s)
            await inbox.ready(kinds=1)
            yield inbox
        finally:
            server.close()
