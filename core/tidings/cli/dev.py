"""The command `tidings dev`: store, server and worker in one, for one's own machine.

Each runs as a process of its own, as in production; this one starts them, shows what they print,
starts the worker anew when the code changes, and stops all when it is told to.
"""

import functools
import os
import signal
import threading
import time
import urllib.error
import urllib.request
import webbrowser
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.panel import Panel

from tidings.broker.connection import redact
from tidings.broker.embedded import SCHEME, EmbeddedStore
from tidings.lab.lab import Addresses, Lab
from tidings.lab.simulation import EXAMPLE, Part, Simulation, SimulationError

from .child import Child
from .error import CommandError
from .simulate import draw_seed, free_port, read_simulation, tell, words_for

READY_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 15.0
TICK_S = 0.1


def dev(
    modules: Annotated[
        list[str] | None, typer.Argument(help="Modules with jobs: dotted names, or paths of Python files.")
    ] = None,
    *,
    port: Annotated[
        int, typer.Option(help="The TCP port of the page.", envvar="TIDINGS_PORT", show_envvar=True)
    ] = 8700,
    folder: Annotated[
        Path,
        typer.Option("--dir", envvar="TIDINGS_DIR", show_envvar=True, help="Where the embedded store keeps its data."),
    ] = Path(".tidings"),
    open_page: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in a browser.")] = False,
    reload: Annotated[bool, typer.Option(help="Start the worker anew when the code changes.")] = True,
    simulate: Annotated[
        str | None,
        typer.Option(help=f"Let it fail as networks and machines do: {EXAMPLE}. See the guide to the latency lab."),
    ] = None,
    simulate_seed: Annotated[
        int | None, typer.Option(help="The same draws the same failures in the same order.", show_default="drawn")
    ] = None,
) -> None:
    """Run everything on this machine: an embedded store, the server and a worker that reloads."""
    # SIGINT too: a shell without job control starts its background commands with it ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    url = os.environ.get("TIDINGS_STORE_URL", "")
    store = EmbeddedStore(folder) if not url or url.startswith(SCHEME) else None
    simulation = None if simulate is None else read_simulation(simulate, own_store=store is not None)
    wish = _Wish(modules or [], port, open_page, reload, simulation, simulate_seed)
    try:
        if store is not None:
            store.start()
            url = store.url
        _Dev(url, wish, store).run()
    except KeyboardInterrupt:
        pass
    finally:
        if store is not None:
            store.stop()


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


@dataclass(frozen=True, slots=True)
class _Wish:
    """What the arguments say."""

    modules: list[str]
    port: int
    open_page: bool
    reload: bool
    simulation: Simulation | None
    seed: int | None


class _Dev:
    """The children of one `tidings dev`."""

    def __init__(self, store_url: str, wish: _Wish, store: EmbeddedStore | None) -> None:
        self._wish = wish
        self._store_url = store_url
        self._store = store
        self._console = Console(stderr=True)
        self._seed = draw_seed() if wish.seed is None else wish.seed
        addresses = Addresses(wish.port, store_url, store_url)
        self._lab: Lab | None = None
        if wish.simulation is not None:
            self._lab = Lab(wish.simulation, self._seed, self._send, functools.partial(tell, self._console))
            addresses = self._start_lab(self._lab)
        self._direct = f"http://127.0.0.1:{addresses.server_port}"
        """The server's own address, past what stands before it."""
        environment = {
            **os.environ,
            "TIDINGS_PORT": str(addresses.server_port),
            "TIDINGS_DRAIN_S": os.environ.get("TIDINGS_DRAIN_S", "0.5"),
            "TIDINGS_GRACE_S": os.environ.get("TIDINGS_GRACE_S", "1"),
        }
        served = {**environment, "TIDINGS_STORE_URL": addresses.server_store}
        worked = {**environment, "TIDINGS_STORE_URL": addresses.worker_store}
        self._server = Child("server", "cyan", ["serve"], served)
        self._worker = Child("worker", "magenta", ["work", *wish.modules], worked)
        self._killed = threading.Event()
        """Set when the lab has killed the worker."""
        self._changed = threading.Event()
        self._over = threading.Event()

    def run(self) -> None:
        """Run until told to stop, or until the server or the store ends by itself."""
        try:
            self._server.start()
            if self._wish.modules:
                self._worker.start()
                self._watch_files()
            self._wait_until_ready()
            self._announce()
            if self._lab is not None:
                self._lab.begin()
            while True:
                self._look()
                self._changed.wait(TICK_S)
        finally:
            self._stop()

    def _start_lab(self, lab: Lab) -> Addresses:
        try:
            return lab.start(self._wish.port, free_port(), self._store_url)
        except (OSError, SimulationError) as error:
            raise CommandError(f"--simulate: {error}") from None

    def _send(self, part: Part, number: signal.Signals) -> None:
        """Send a part a signal, for the lab."""
        match part:
            case Part.STORE:
                if self._store is not None and self._store.pid is not None and self._store.poll() is None:
                    os.kill(self._store.pid, number)
            case Part.SERVER:
                self._server.signal(number)
            case Part.WORKER:
                if number is signal.SIGKILL:
                    self._killed.set()
                self._worker.signal(number)

    def _look(self) -> None:
        if (code := self._server.poll()) is not None:
            raise CommandError(f"the server ended with exit code {code}; what it said is above")
        if self._store is not None and (code := self._store.poll()) is not None:
            raise CommandError(f"the store ended with exit code {code}; see {self._store.folder / 'store.log'}")
        if self._worker.ended_by_itself():
            if self._killed.is_set():
                self._killed.clear()
                self._worker.start()
            else:
                self._console.print("[yellow]The worker has ended; it starts anew when its code changes.[/yellow]")
        if self._changed.is_set():
            self._changed.clear()
            self._console.print("[dim]The code changed: starting the worker anew.[/dim]")
            self._worker.stop(STOP_TIMEOUT_S)
            self._worker.start()

    def _wait_until_ready(self) -> None:
        give_up = time.monotonic() + READY_TIMEOUT_S
        while not _ready(self._direct):
            if (code := self._server.poll()) is not None:
                raise CommandError(f"the server ended with exit code {code}; what it said is above")
            if time.monotonic() > give_up:
                raise CommandError(f"the server is not ready after {READY_TIMEOUT_S:g} s")
            time.sleep(TICK_S / 4)

    def _announce(self) -> None:
        address = f"http://127.0.0.1:{self._wish.port}"
        what = " ".join(self._wish.modules) or "no jobs yet: name a module, such as `tidings dev jobs.py`"
        where = f"store   {redact(self._store_url)}\njobs    {what}"
        if self._wish.simulation is not None:
            where += f"\n\nSimulated\n{words_for(self._wish.simulation, self._seed)}"
        lines = f"[bold]{address}[/bold]\n\n{where}\n\nCtrl-C stops everything"
        self._console.print(Panel(lines, title="Tidings", expand=False))
        if self._wish.open_page:
            webbrowser.open(address)

    def _watch_files(self) -> None:
        if not self._wish.reload:
            return
        try:
            from watchfiles import PythonFilter, watch  # noqa: PLC0415 - an extra
        except ImportError:
            self._console.print("[dim]No reload on changes: pip install 'tidings[dev]'[/dim]")
            return
        folders = {
            Path(module).resolve().parent if module.endswith(".py") else Path.cwd() for module in self._wish.modules
        }

        def follow() -> None:
            for _ in watch(*folders, watch_filter=PythonFilter(), stop_event=self._over):
                self._changed.set()

        threading.Thread(target=follow, name="file watcher", daemon=True).start()

    def _stop(self) -> None:
        self._over.set()
        if self._lab is not None:
            self._lab.calm()  # so that all can leave in order
        for child in (self._worker, self._server):
            child.ask_to_stop()
        for child in (self._worker, self._server):
            child.stop(STOP_TIMEOUT_S)
        if self._lab is not None:
            self._lab.close()


def _ready(address: str) -> bool:
    try:
        with urllib.request.urlopen(address + "/readyz", timeout=1) as answer:  # noqa: S310 - our own address
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
