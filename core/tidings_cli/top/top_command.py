"""The command `tidings top`: queues, workers and breakers, live in a terminal."""

import asyncio
import contextlib
import os
import sys
import termios
import tty
from collections.abc import Iterator
from typing import Annotated, Any

import typer
from redis.asyncio import Redis
from rich.live import Live

from tidings.logging.printable import printable_json
from tidings.store.availability.store_errors import StoreError
from tidings.store.redis.store_client import keys_of
from tidings_cli.store_command import store_flags, with_store
from tidings_cli.terminal import SafeConsole, open_console

from .poll import Poller
from .screen import screen

QUIT_KEYS = b"qQ\x03\x04"
"""q, Ctrl-C where the terminal does not make a signal of it, Ctrl-D."""


@store_flags
def top(
    every: Annotated[float, typer.Option(min=0.1, max=3600, help="Seconds between two polls.")] = 1.0,
    once: Annotated[bool, typer.Option("--once", help="Poll once, print it and stop.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Poll once, and print it as JSON.")] = False,
    **flags: Any,
) -> None:
    """Show queues, workers and breakers, live; q or Ctrl-C leaves."""
    console = open_console()

    async def run(store: Redis) -> None:
        watcher = Poller(store, keys_of(store))
        if as_json:
            print(printable_json(await watcher.poll()))  # noqa: T201
        elif once or not console.is_terminal:
            console.print(screen(await watcher.poll()))
        else:
            await _live(watcher, every)

    with_store(flags, run)


async def _live(watcher: Poller, every_s: float) -> None:
    leave = asyncio.Event()
    found, away = await watcher.poll(), ""
    console = SafeConsole(highlight=False, markup=False)
    with _keys(leave), Live(screen(found), console=console, screen=True, auto_refresh=False) as live:
        while not await _wait_for_quit(leave, every_s):
            try:
                found, away = await watcher.poll(), ""
            except StoreError as error:
                away = str(error)
            live.update(screen(found, away), refresh=True)


async def _wait_for_quit(leave: asyncio.Event, seconds: float) -> bool:
    """Wait so long, or until the user leaves; return whether the user left."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await leave.wait()
    return leave.is_set()


@contextlib.contextmanager
def _keys(leave: asyncio.Event) -> Iterator[None]:
    """Read single keys without an echo while the body runs."""
    if not sys.stdin.isatty():
        yield
        return
    fd, loop = sys.stdin.fileno(), asyncio.get_running_loop()

    def read() -> None:
        pressed = os.read(fd, 64)
        if not pressed or any(key in QUIT_KEYS for key in pressed):
            loop.remove_reader(fd)
            leave.set()

    before = termios.tcgetattr(fd)
    tty.setcbreak(fd)
    loop.add_reader(fd, read)
    try:
        yield
    finally:
        loop.remove_reader(fd)
        termios.tcsetattr(fd, termios.TCSADRAIN, before)
