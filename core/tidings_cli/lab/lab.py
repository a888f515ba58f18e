"""The lab: proxies between the parts of a system, and signals that pause and kill its processes.

It runs in a thread of its own, with an event loop of its own: `tidings dev` has none.
"""

import asyncio
import random
import signal
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import NamedTuple
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urlsplit

from tidings.settings.store_url import parse_store_url

from .crash_injector import CrashInjector
from .message_faults import MessageFaults
from .proxy import Proxy, Target
from .simulation import Link, Part, Pause, Simulation, SimulationError
from .simulation_text import LINK_NAMES

REPORT_EVERY_S = 5.0
"""How often the lab prints how many messages it lost, s."""

SendSignal = Callable[[Part, signal.Signals], None]
"""Sends a part a signal, if it runs."""


class Addresses(NamedTuple):
    """Where each part finds the next one."""

    server_port: int
    """Where the server has to listen."""
    server_store: str
    """The store's address for the server."""
    worker_store: str
    """The store's address for the worker."""


class Lab:
    """Carries out a simulation; until `begin` all messages pass."""

    def __init__(self, simulation: Simulation, seed: int, send: SendSignal, report: Callable[[str], None]) -> None:
        """Prepare; nothing runs yet.

        Args:
            simulation: what happens.
            seed: the same seed draws the same faults, in the same order.
            send: sends signals to the parts.
            report: gets a line for people about each fault.

        """
        self._simulation = simulation
        self._seed = seed
        self._send = send
        self._print = report
        self._message_faults = {link: MessageFaults(link, faults, seed) for link, faults in simulation.links.items()}
        self._crashes = CrashInjector(simulation.crash, seed, self._kill) if simulation.crash else None
        self._proxies: list[Proxy] = []
        self._addresses: Future[Addresses] = Future()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._working: asyncio.Task[None] | None = None
        self._begun = asyncio.Event()
        self._over = asyncio.Event()
        self._thread: threading.Thread | None = None

    def start(self, port: int, server_port: int, store: str) -> Addresses:
        """Put the proxies up, and return where each part finds the next one.

        Args:
            port: where clients connect.
            server_port: a free one, for a server that has a proxy before it.
            store: its address.

        Raises:
            OSError: another process listens on `port`.
            SimulationError: no proxy can stand before such a store.

        """
        run = self._run(port, server_port, store)  # the loop that runs it is the thread's
        self._thread = threading.Thread(target=lambda: asyncio.run(run), name="lab")
        self._thread.start()
        return self._addresses.result()

    def begin(self) -> None:
        """Begin to simulate."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._begun.set)

    def calm(self) -> None:
        """Let every message pass and every paused part go on; return when they do."""
        if self._loop is not None:
            asyncio.run_coroutine_threadsafe(self._calm(), self._loop).result()

    def close(self) -> None:
        """Take the proxies away."""
        if self._loop is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._over.set)
            self._thread.join()
            self._loop = None

    # In the thread.

    async def _run(self, port: int, server_port: int, store: str) -> None:
        with tempfile.TemporaryDirectory(prefix="tidings-lab-") as folder:
            try:
                addresses = await self._stand(port, server_port, store, Path(folder))
                self._loop = asyncio.get_running_loop()
                self._addresses.set_result(addresses)
                async with asyncio.TaskGroup() as tasks:
                    self._working = tasks.create_task(self._work(), name="lab")
                    await self._over.wait()
                    await self._calm()
            except (OSError, SimulationError) as error:
                self._addresses.set_exception(error)
            finally:
                for proxy in self._proxies:
                    await proxy.close()

    async def _stand(self, port: int, server_port: int, store: str, folder: Path) -> Addresses:
        stores = {}
        for link in (Link.SERVER, Link.WORKER):
            stores[link] = store
            if link in self._message_faults or (link is Link.WORKER and self._crashes is not None):
                target, stores[link] = _detour(store, str(folder / f"{link}.sock"))
                await self._put(target, link, str(folder / f"{link}.sock"))
        if Link.CLIENT not in self._message_faults:
            return Addresses(port, stores[Link.SERVER], stores[Link.WORKER])
        await self._put(server_port, Link.CLIENT, port)
        return Addresses(server_port, stores[Link.SERVER], stores[Link.WORKER])

    async def _put(self, target: Target, link: Link, at: int | str) -> None:
        listen = self._crashes.new_listener if link is Link.WORKER and self._crashes is not None else None
        proxy = Proxy(target, faults=self._message_faults.get(link), listen=listen)
        await proxy.listen(at=at)
        self._proxies.append(proxy)

    async def _work(self) -> None:
        await self._begun.wait()
        self._set_calm(calm=False)
        async with asyncio.TaskGroup() as tasks:
            for part, pause in self._simulation.pauses.items():
                tasks.create_task(self._pause(part, pause), name=f"pauses of the {part}")
            tasks.create_task(self._report(), name="report")

    async def _calm(self) -> None:
        self._set_calm(calm=True)
        if self._working is not None:
            self._working.cancel()
            await asyncio.wait([self._working])

    def _set_calm(self, *, calm: bool) -> None:
        for faults in self._message_faults.values():
            faults.calm = calm
        if self._crashes is not None:
            self._crashes.calm = calm
            if calm:
                self._crashes.close()

    async def _pause(self, part: Part, pause: Pause) -> None:
        clock = asyncio.get_running_loop().time
        begun = clock()
        for at_s in pause_times(pause, self._seed, part):
            await asyncio.sleep(begun + at_s - clock())
            self._print(f"the {part} stands still for {pause.lasts_s:g} s")
            self._send(part, signal.SIGSTOP)
            try:
                await asyncio.sleep(pause.lasts_s)
            finally:
                self._send(part, signal.SIGCONT)
            self._print(f"the {part} goes on")

    async def _report(self) -> None:
        reported: Counter[tuple[Link, str]] = Counter()
        while True:
            await asyncio.sleep(REPORT_EVERY_S)
            now = Counter(
                {(link, what): n for link, one in self._message_faults.items() for what, n in one.tally.items()}
            )
            for (link, what), count in (now - reported).items():
                self._print(f"{LINK_NAMES[link]}: {_SAID[what].format(count)} in the last {REPORT_EVERY_S:g} s")
            reported = now

    def _kill(self, job: str) -> None:
        self._print(f"the worker is killed under an attempt of the job whose token ends in …{job[-6:]}")
        self._send(Part.WORKER, signal.SIGKILL)


_SAID = {"lost": "messages lost and sent again: {}", "broken": "connections broken: {}"}


def pause_times(pause: Pause, seed: int, name: str) -> Iterator[float]:
    """Return when the pauses begin, s from the start: one in each stretch, at a moment drawn from it."""
    draw = random.Random(f"{seed} {name}")  # noqa: S311 - to be repeated, not to be secret
    before = 0.0
    while True:
        yield before + draw.uniform(0, pause.every_s - pause.lasts_s)
        before += pause.every_s


def _detour(store: str, path: str) -> tuple[Target, str]:
    """Return the target of a proxy at `path`, and the store's address through that proxy."""
    place = parse_store_url(store)
    if place.hosts:
        raise SimulationError(
            "the store itself names the addresses of its nodes, so no proxy can be put before them: simulate the link "
            "between clients and server (client.latency=50ms), or name one store by redis://"
        )
    address = place.address
    url = urlsplit(address)
    if url.scheme == "unix":
        return unquote(url.path), address.replace(url.path, path, 1)
    if url.scheme == "redis":
        return (url.hostname or "localhost", url.port or 6379), _by_socket(url, path)
    raise SimulationError(
        f"a store at {url.scheme}:// is reached by TLS, into which no proxy can be put: simulate the link between "
        "clients and server (client.latency=50ms), or use the embedded store (leave TIDINGS_STORE_URL out)"
    )


def _by_socket(url: SplitResult, path: str) -> str:
    database = url.path.strip("/")
    query = [*parse_qsl(url.query), *([("db", database)] if database else [])]
    account, at, _ = url.netloc.rpartition("@")
    return f"unix://{account}{at}{path}?{urlencode(query)}"
