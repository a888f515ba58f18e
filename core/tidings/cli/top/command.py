"""The command `tidings top`: how everything stands, live in a terminal."""

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

from tidings.broker.error import StoreError
from tidings.broker.keys import Keys
from tidings.cli.console import SafeConsole, open_console
from tidings.cli.flag import with_flags
from tidings.cli.store import with_store
from tidings.printable import printable_json
from tidings.settings import StoreSettings

from .screen import screen
from .sight import Watcher

LEAVES = b"qQ\x03\x04"
"""q, Ctrl-C where the terminal does not make a signal of it, Ctrl-D."""


@with_flags(StoreSettings, leave_out=("log_format", "log_level", "result_ttl_s"))
def top(
    every: Annotated[float, typer.Option(min=0.1, max=3600, help="Seconds between two looks.")] = 1.0,
    once: Annotated[bool, typer.Option("--once", help="Look once, print it and stop.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Look once, and print it as JSON.")] = False,
    **flags: Any,
) -> None:
    """Show queues, workers and breakers, live; q or Ctrl-C leaves."""
    console = open_console()

    async def run(store: Redis) -> None:
        watcher = Watcher(store, Keys())
        if as_json:
            print(printable_json(await watcher.look()))  # noqa: T201
        elif once or not console.is_terminal:
            console.print(screen(await watcher.look()))
        else:
            await _live(watcher, every)

    with_store(flags, run)


async def _live(watcher: Watcher, every_s: float) -> None:
    leave = asyncio.Event()
    sight, away = await watcher.look(), ""
    console = SafeConsole(highlight=False, markup=False)
    with _keys(leave), Live(screen(sight), console=console, screen=True, auto_refresh=False) as live:
        while not await _told(leave, every_s):
            try:
                sight, away = await watcher.look(), ""
            except StoreError as error:
                away = str(error)
            live.update(screen(sight, away), refresh=True)


async def _told(leave: asyncio.Event, seconds: float) -> bool:
    """Wait; return at once, and true, when somebody leaves."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await leave.wait()
    return leave.is_set()


@contextlib.contextmanager
def _keys(leave: asyncio.Event) -> Iterator[None]:
    """Have single keys read, without an echo, as long as this lasts."""
    if not sys.stdin.isatty():
        yield
        return
    fd, loop = sys.stdin.fileno(), asyncio.get_running_loop()

    def read() -> None:
        pressed = os.read(fd, 64)
        if not pressed or any(key in LEAVES for key in pressed):
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
