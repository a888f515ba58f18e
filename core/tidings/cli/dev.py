"""The command `tidings dev`: store, server and worker in one, for one's own machine.

Each runs as a process of its own, as in production; this one starts them, shows what they print,
starts the worker anew when the code changes, and stops all when it is told to.
"""

import os
import signal
import threading
import time
import urllib.error
import urllib.request
import webbrowser
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.panel import Panel

from tidings.broker.connection import redact
from tidings.broker.embedded import SCHEME, EmbeddedStore

from .child import Child
from .error import CommandError

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
) -> None:
    """Run everything on this machine: an embedded store, the server and a worker that reloads."""
    # SIGINT too: a shell without job control starts its background commands with it ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    url = os.environ.get("TIDINGS_STORE_URL", "")
    store = EmbeddedStore(folder) if not url or url.startswith(SCHEME) else None
    try:
        if store is not None:
            store.start()
            url = store.url
        _Dev(url, modules or [], port, open_page, reload).run(store)
    except KeyboardInterrupt:
        pass
    finally:
        if store is not None:
            store.stop()


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


class _Dev:
    """The children of one `tidings dev`."""

    def __init__(self, store_url: str, modules: list[str], port: int, open_page: bool, reload: bool) -> None:
        self._store_url = store_url
        self._modules = modules
        self._address = f"http://127.0.0.1:{port}"
        self._open_page = open_page
        self._reload = reload
        self._console = Console(stderr=True)
        environment = {
            **os.environ,
            "TIDINGS_STORE_URL": store_url,
            "TIDINGS_PORT": str(port),
            "TIDINGS_DRAIN_S": os.environ.get("TIDINGS_DRAIN_S", "0.5"),
            "TIDINGS_GRACE_S": os.environ.get("TIDINGS_GRACE_S", "1"),
        }
        self._server = Child("server", "cyan", ["serve"], environment)
        self._worker = Child("worker", "magenta", ["work", *modules], environment)
        self._changed = threading.Event()
        self._over = threading.Event()

    def run(self, store: EmbeddedStore | None) -> None:
        """Run until told to stop, or until the server or the store ends by itself."""
        try:
            self._server.start()
            if self._modules:
                self._worker.start()
                self._watch_files()
            self._wait_until_ready()
            self._announce()
            while True:
                self._look(store)
                self._changed.wait(TICK_S)
        finally:
            self._stop()

    def _look(self, store: EmbeddedStore | None) -> None:
        if (code := self._server.poll()) is not None:
            raise CommandError(f"the server ended with exit code {code}; what it said is above")
        if store is not None and (code := store.poll()) is not None:
            raise CommandError(f"the store ended with exit code {code}; see {store.folder / 'store.log'}")
        if self._worker.ended_by_itself():
            self._console.print("[yellow]The worker has ended; it starts anew when its code changes.[/yellow]")
        if self._changed.is_set():
            self._changed.clear()
            self._console.print("[dim]The code changed: starting the worker anew.[/dim]")
            self._worker.stop(STOP_TIMEOUT_S)
            self._worker.start()

    def _wait_until_ready(self) -> None:
        give_up = time.monotonic() + READY_TIMEOUT_S
        while not _ready(self._address):
            if (code := self._server.poll()) is not None:
                raise CommandError(f"the server ended with exit code {code}; what it said is above")
            if time.monotonic() > give_up:
                raise CommandError(f"the server is not ready after {READY_TIMEOUT_S:g} s")
            time.sleep(TICK_S / 4)

    def _announce(self) -> None:
        what = " ".join(self._modules) or "no jobs yet: name a module, such as `tidings dev jobs.py`"
        where = f"store   {redact(self._store_url)}\njobs    {what}"
        lines = f"[bold]{self._address}[/bold]\n\n{where}\nCtrl-C stops everything"
        self._console.print(Panel(lines, title="Tidings", expand=False))
        if self._open_page:
            webbrowser.open(self._address)

    def _watch_files(self) -> None:
        if not self._reload:
            return
        try:
            from watchfiles import PythonFilter, watch  # noqa: PLC0415 - an extra
        except ImportError:
            self._console.print("[dim]No reload on changes: pip install 'tidings[dev]'[/dim]")
            return
        folders = {Path(module).resolve().parent if module.endswith(".py") else Path.cwd() for module in self._modules}

        def follow() -> None:
            for _ in watch(*folders, watch_filter=PythonFilter(), stop_event=self._over):
                self._changed.set()

        threading.Thread(target=follow, name="file watcher", daemon=True).start()

    def _stop(self) -> None:
        self._over.set()
        for child in (self._worker, self._server):
            child.ask_to_stop()
        for child in (self._worker, self._server):
            child.stop(STOP_TIMEOUT_S)


def _ready(address: str) -> bool:
    try:
        with urllib.request.urlopen(address + "/readyz", timeout=1) as answer:  # noqa: S310 - our own address
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
