"""The command `tidings dev`: store, server and worker together on a developer's machine.

Each runs as a process of its own, as in production. This process starts them, prints their output, restarts one that
ended by itself, restarts the worker when the code changes, and stops all at Ctrl-C.
"""

import asyncio
import contextlib
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
from rich.panel import Panel

from tidings.process.module_location import import_folder_of
from tidings.process.port import PortError, check_port, free_port
from tidings.settings.settings import STORE_URL_FILE, store_url_of
from tidings.settings.store_url import EMBEDDED
from tidings.store.availability.store_errors import StoreError
from tidings.store.embedded.embedded_store import EmbeddedStore
from tidings.store.redis.store_client import check_store, redact_url
from tidings.webhook import new_secret
from tidings_cli.command_errors import CommandError
from tidings_cli.lab.lab import Addresses, Lab
from tidings_cli.lab.simulation import EXAMPLE, Part, Simulation, SimulationError
from tidings_cli.processes.supervision import MAX_STARTS, Supervision, describe_end
from tidings_cli.terminal import error_console, plain

from .dev_process import DevProcess
from .simulate_flag import draw_seed, print_lab_line, read_simulation, simulation_lines

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
    reload: Annotated[bool, typer.Option(help="Start the worker again when the code changes.")] = True,
    simulate: Annotated[
        str | None,
        typer.Option(help=f"Let it fail as networks and machines do: {EXAMPLE}. See the guide to the latency lab."),
    ] = None,
    simulate_seed: Annotated[
        int | None, typer.Option(help="The same draws the same failures in the same order.", show_default="drawn")
    ] = None,
) -> None:
    """Run everything on this machine: an embedded store, the server and a worker that reloads."""
    # SIGINT too: a shell without job control starts background commands with SIGINT ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    try:
        check_port(os.environ.get("TIDINGS_HOST", "127.0.0.1"), port)
    except PortError as error:
        raise CommandError(str(error)) from None
    url = store_url_of(os.environ)
    store = EmbeddedStore(folder) if not url or url.startswith(EMBEDDED) else None
    simulation = None if simulate is None else read_simulation(simulate, own_store=store is not None)
    wish = _DevOptions(modules or [], port, open_page, reload, simulation, simulate_seed)
    try:
        if store is not None:
            store.start()
            url = store.url
        _DevSystem(url, wish, store).run()
    except KeyboardInterrupt:
        pass
    finally:
        if store is not None:
            store.stop()


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


@dataclass(frozen=True, slots=True)
class _DevOptions:
    """The values of the arguments."""

    modules: list[str]
    port: int
    open_page: bool
    reload: bool
    simulation: Simulation | None
    seed: int | None


class _DevSystem:
    """The children of one `tidings dev`."""

    def __init__(self, store_url: str, wish: _DevOptions, store: EmbeddedStore | None) -> None:
        self._wish = wish
        self._store_url = store_url
        self._store = store
        self._console = error_console()
        self._seed = draw_seed() if wish.seed is None else wish.seed
        addresses = Addresses(wish.port, store_url, store_url)
        self._lab: Lab | None = None
        if wish.simulation is not None:
            self._lab = Lab(wish.simulation, self._seed, self._send, functools.partial(print_lab_line, self._console))
            addresses = self._start_lab(self._lab)
        self._direct = f"http://127.0.0.1:{addresses.server_port}"
        """The server's own address, past the lab's proxy."""
        environment = {
            **{name: value for name, value in os.environ.items() if name != STORE_URL_FILE},
            "TIDINGS_PORT": str(addresses.server_port),
            "TIDINGS_DRAIN_S": os.environ.get("TIDINGS_DRAIN_S", "0.5"),
            "TIDINGS_GRACE_S": os.environ.get("TIDINGS_GRACE_S", "1"),
        }
        served = {**environment, "TIDINGS_STORE_URL": addresses.server_store}
        worked = {**environment, "TIDINGS_STORE_URL": addresses.worker_store}
        # The developer who reads the problem here has written the handler.
        worked.setdefault("TIDINGS_EXPOSE_ERRORS", "true")
        worked.setdefault("TIDINGS_WARN_BLOCKED_S", "1")
        worked.setdefault("TIDINGS_SCHEMA_CHECK", "warn")
        # A developer's receiver runs on this machine; what it gets is signed with a secret of this run.
        for settings in (served, worked):
            settings.setdefault("TIDINGS_WEBHOOK_HTTP", "true")
            settings.setdefault("TIDINGS_WEBHOOK_ALLOW", "localhost,127.0.0.0/8,::1")
        worked.setdefault("TIDINGS_WEBHOOKS", "true")
        self._webhook_secret = worked.setdefault("TIDINGS_WEBHOOK_SECRETS", new_secret())
        self._server = DevProcess("server", "cyan", ["serve"], served)
        self._worker = DevProcess("worker", "magenta", ["work", *wish.modules], worked)
        self._supervisions = {part: Supervision(time.monotonic) for part in Part}
        self._killed = threading.Event()
        """Set when the lab has killed the worker."""
        self._watching = False
        """Whether the files with the code are watched."""
        self._changed = threading.Event()
        self._over = threading.Event()

    def run(self) -> None:
        """Run until Ctrl-C, or until a part cannot be kept running."""
        try:
            if self._store is None:
                asyncio.run(check_store(self._store_url))
            self._start(Part.SERVER)
            if self._wish.modules:
                self._start(Part.WORKER)
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

    def _start(self, part: Part) -> None:
        match part:
            case Part.STORE:
                assert self._store is not None
                with contextlib.suppress(StoreError):  # it has ended again; the next `_look` finds that
                    self._store.restart()
            case Part.SERVER:
                self._server.start()
            case Part.WORKER:
                self._worker.start()
        self._supervisions[part].started()

    def _look(self) -> None:
        """Notice which processes have ended, and start those that are due."""
        if self._store is not None and (code := self._store.poll()) is not None:
            self._ended(Part.STORE, code, f"; see {self._store.folder / 'store.log'}")
        if (code := self._server.ended_by_itself()) is not None:
            if self._server.failed_by_user_mistake():
                raise CommandError(f"the server ended with exit code {code}; its output is above")
            self._ended(Part.SERVER, code, "; its output is above")
        if (code := self._worker.ended_by_itself()) is not None:
            self._worker_ended(code)
        for part, supervision in self._supervisions.items():
            if supervision.is_due():
                self._start_again(part)
        if self._changed.is_set():
            self._changed.clear()
            self._console.print("[dim]The code changed: the worker starts again.[/dim]")
            self._worker.stop(STOP_TIMEOUT_S)
            self._supervisions[Part.WORKER].forget()
            self._start_again(Part.WORKER)

    def _start_again(self, part: Part) -> None:
        self._start(part)
        if part is Part.WORKER:  # what was printed at the start names a process that has ended
            self._console.print(f"[dim]worker  process {self._worker.pid}[/dim]", highlight=False)

    def _worker_ended(self, code: int) -> None:
        if self._killed.is_set():  # the lab has printed a line about it
            self._killed.clear()
            self._start(Part.WORKER)
        elif self._worker.failed_by_user_mistake():
            self._say(f"The worker has ended, for the reason above; {self._after_a_change}.")
        else:
            self._ended(Part.WORKER, code, "")

    def _ended(self, part: Part, code: int, where: str) -> None:
        """Print once that a part ended by itself, and schedule its restart.

        Raises:
            CommandError: the server or the store has ended too often in a row.

        """
        if self._supervisions[part].pending:
            return
        end = f"The {part.value} {describe_end(code)}"
        pause = self._supervisions[part].ended()
        if pause is not None:
            when = f"in {pause:g} s" if pause else "now"
            self._say(f"{end}; it starts again {when}.")
        elif part is Part.WORKER:
            self._say(f"{end}, for the {MAX_STARTS + 1}th time in a row; {self._after_a_change}.")
        else:
            raise CommandError(f"{end}, for the {MAX_STARTS + 1}th time in a row{where}")

    def _say(self, line: str) -> None:
        self._console.print(line, style="yellow", highlight=False, soft_wrap=True)

    @property
    def _after_a_change(self) -> str:
        if self._watching:
            return "it starts again when its code changes"
        return "fix that, stop `tidings dev` with Ctrl-C, and start it again"

    def _wait_until_ready(self) -> None:
        give_up = time.monotonic() + READY_TIMEOUT_S
        while not _ready(self._direct):
            if (code := self._server.poll()) is not None:
                raise CommandError(f"the server ended with exit code {code}; its output is above")
            if time.monotonic() > give_up:
                raise CommandError(f"the server is not ready after {READY_TIMEOUT_S:g} s")
            time.sleep(TICK_S / 4)

    def _announce(self) -> None:
        address = f"http://127.0.0.1:{self._wish.port}"
        what = " ".join(self._wish.modules) or "no jobs yet: name a module, such as `tidings dev jobs.py`"
        where = f"store   {plain(redact_url(self._store_url))}\njobs    {plain(what)}"
        if self._wish.modules:
            where += f"\nworker  process {self._worker.pid}"
            if "TIDINGS_WEBHOOK_SECRETS" not in os.environ:
                where += f"\nwebhook {self._webhook_secret} signs deliveries"
        if self._wish.simulation is not None:
            where += f"\n\nSimulated\n{simulation_lines(self._wish.simulation, self._seed)}"
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
        self._watching = True
        folders = {import_folder_of(module) for module in self._wish.modules}

        def follow() -> None:
            for _ in watch(*folders, watch_filter=PythonFilter(), stop_event=self._over):
                self._changed.set()

        threading.Thread(target=follow, name="file watcher", daemon=True).start()

    def _stop(self) -> None:
        self._over.set()
        if self._lab is not None:
            self._lab.calm()  # else its faults would disturb the shutdown
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
