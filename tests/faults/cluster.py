"""The system of a trial: one store, servers and workers behind proxies, and what starts again whatever ended."""

import asyncio
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from support.store import StoreProcess
from support.system import Process, ServerProcess, WorkerProcess
from support.timeouts import scaled
from support.waiting import until_async
from tidings.process.port import free_port
from tidings_cli.lab.proxy import Proxy

from .plan import SERVERS, WORKERS

JOBS = Path(__file__).with_name("jobs.py")

SETTINGS = {"TIDINGS_LEASE_S": "1", "TIDINGS_HEARTBEAT_S": "0.2", "TIDINGS_SLOTS": "20"}

READY_TIMEOUT_S = 60.0


class Member:
    """A server or a worker, and its own link to the store."""

    def __init__(self, name: str, store: StoreProcess, jobs: Path, environment: Mapping[str, str]) -> None:
        self.name = name
        self.held = False
        """Whether it is meant to be down at the moment."""
        self.process: Process | None = None
        self.starts = 0
        self.link = Proxy(store.port)
        self.port = free_port()
        """Of a server."""
        self.front = Proxy(self.port)
        """What clients connect to, of a server."""
        self._jobs = jobs
        self._environment = environment

    @property
    def address(self) -> str:
        """The address for clients' sockets."""
        return f"ws://127.0.0.1:{self.front.port}/v1/socket"

    @property
    def server(self) -> ServerProcess:
        """The process, of a server."""
        assert isinstance(self.process, ServerProcess)
        return self.process

    def start(self) -> None:
        """Start it, if it does not run and should."""
        if self.held or (self.process is not None and self.process.process.poll() is None):
            return
        if self.process is not None:
            self.process.close()
        self.starts += 1
        store_url = f"redis://127.0.0.1:{self.link.port}/0"
        if self.name.startswith("server"):
            self.process = ServerProcess(store_url, TIDINGS_PORT=str(self.port))
        else:
            self.process = WorkerProcess(store_url, str(self._jobs), **SETTINGS, **self._environment)

    def text(self) -> str:
        """Return what it printed since it was last started."""
        return self.process.text() if self.process is not None else ""

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal, if it runs."""
        if self.process is not None and self.process.process.poll() is None:
            self.process.signal(number)

    def kill(self) -> int:
        """End it without a chance to tidy up; return the process id it had."""
        assert self.process is not None
        self.held = True
        self.process.process.kill()
        self.process.process.wait(scaled(10))
        return self.process.process.pid

    async def close(self) -> None:
        """End it and its links."""
        if self.process is not None:
            self.process.close()
        await self.link.close()
        await self.front.close()


class Cluster:
    """Everything that runs."""

    def __init__(self, jobs: Path, environment: Mapping[str, str]) -> None:
        """Prepare.

        Args:
            jobs: the module that the workers serve.
            environment: what the workers have in theirs.

        """
        self.store = StoreProcess("--appendfsync", "always")
        names = [*(f"server-{n}" for n in range(SERVERS)), *(f"worker-{n}" for n in range(WORKERS))]
        self.members = {name: Member(name, self.store, jobs, environment) for name in names}

    @property
    def servers(self) -> list[Member]:
        """The servers."""
        return [member for member in self.members.values() if member.name.startswith("server")]

    async def start(self) -> None:
        """Start everything."""
        await asyncio.to_thread(self.store.start)
        for member in self.members.values():
            await member.link.listen()
            await member.front.listen()
            member.start()

    async def keep(self) -> None:
        """Start again whatever ended by itself or was killed, until cancelled: as systemd would."""
        while True:
            for member in self.members.values():
                member.start()
            await asyncio.sleep(0.1)

    async def ready(self) -> None:
        """Return when both servers are ready and know the kinds.

        Raises:
            TimeoutError: they are not; with what each process said last.

        """
        for member in self.servers:
            try:
                await until_async(partial(asyncio.to_thread, _is_ready, member), seconds=READY_TIMEOUT_S, pause_s=0.1)
            except AssertionError as error:
                said = "".join(f"\n{one.name}: {one.text()[-2000:]}" for one in self.members.values())
                raise TimeoutError(f"{member.name} is not ready:{said}") from error

    async def close(self) -> None:
        """End everything: the processes first, whatever becomes of the rest."""
        for member in self.members.values():
            member.signal(signal.SIGKILL)
        self.store.close()
        for member in self.members.values():
            await member.close()


def _is_ready(member: Member) -> bool:
    server = member.server
    return server.get("/readyz")[0] == 200 and bool((server.get("/v1/kinds")[1] or {}).get("kinds"))


@asynccontextmanager
async def running_cluster(jobs: Path, environment: Mapping[str, str]) -> AsyncIterator[Cluster]:
    """Run a cluster around the body; see `Cluster`."""
    cluster = Cluster(jobs, environment)
    keeper: asyncio.Task[None] | None = None
    try:
        await cluster.start()
        keeper = asyncio.create_task(cluster.keep(), name="keeper")
        await cluster.ready()
        yield cluster
    finally:
        if keeper is not None:
            keeper.cancel()
            await asyncio.wait([keeper])
        await cluster.close()
