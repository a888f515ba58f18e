"""A system whose pages are scraped and played to Prometheus' alerts."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from redis.asyncio import Redis

from metric.tape import Tape
from support.scrape import Scraped, scrape, until
from support.store import running_store
from support.system import JOBS, ServerProcess, System, WorkerProcess
from tidings.process.port import free_port
from tidings.store.redis.store_client import open_store
from tidings_cli.lab.message_faults import MessageFaults
from tidings_cli.lab.proxy import Proxy

WELL = 20
"""Minutes of pages before anything happens."""

BREAKERS = str(Path(__file__).parents[1] / "support/handlers/breaker_kinds.py")
LIMITS = {
    "TIDINGS_LEASE_S": "1",
    "TIDINGS_HEARTBEAT_S": "0.2",
    "TIDINGS_MAX_WAITING_BYTES": "1000000",
    "TIDINGS_WEBHOOK_HTTP": "true",
    "TIDINGS_WEBHOOK_ALLOW": "127.0.0.1",
}


class World:
    """A system whose pages are scraped."""

    def __init__(self, system: System, store: Redis) -> None:
        self.system = system
        self.store = store
        self.tape = Tape()
        self.urls: dict[str, str] = {}

    @property
    def server(self) -> ServerProcess:
        return self.system.server

    def add_worker(self) -> WorkerProcess:
        port = free_port()
        worker = self.system.add_worker(str(JOBS), BREAKERS, TIDINGS_METRICS_PORT=str(port), **LIMITS)
        self.urls[f"w{len(self.system.workers)}"] = f"http://127.0.0.1:{port}/metrics"
        return worker

    async def well(self) -> None:
        """Have all well for some time: nothing fires."""
        for url in self.urls.values():
            await self.shows(url, lambda now: now.sum("tidings_store_up") == 1)
        await self.shows(self.urls["s1"], lambda now: now.has("tidings_kind_workers"))
        await self.play(WELL)
        self.tape.firing()

    async def shows(self, url: str, holds: Callable[[Scraped], bool]) -> None:
        """Return when a page shows something."""

        def patient(page: str) -> Scraped:
            try:
                return scrape(page)
            except OSError:
                return Scraped(iter(()))

        await asyncio.to_thread(until, url, holds, patient)

    async def play(self, minutes: int, **growing: float) -> None:
        """Have the present pages stand for some minutes."""
        pages = {instance: await asyncio.to_thread(scrape, url) for instance, url in self.urls.items()}
        self.tape.play(minutes, pages, growing)


@asynccontextmanager
async def world_of(weather: MessageFaults | None = None) -> AsyncIterator[World]:
    """Run a server and a worker; the server's store is behind such weather."""
    with running_store() as process:
        system, store = System(process), open_store(process.url)
        proxy = Proxy(process.port, faults=weather)
        if weather is not None:
            await proxy.listen()
        world = World(system, store)
        try:
            world.add_worker()
            server = ServerProcess(f"redis://127.0.0.1:{proxy.port or process.port}/0", **LIMITS)
            system.servers.append(server)
            await asyncio.to_thread(server.wait_until_ready, 1)
            world.urls["s1"] = server.url + "/metrics"
            yield world
        finally:
            system.close()
            if weather is not None:
                await proxy.close()
            await store.aclose()
