"""The systems that are measured: their processes, and how a client asks them to say something."""

import sys
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import NamedTuple

from bench.harness.running import running
from bench.harness.system import Children, System, start_store
from bench.push.member import Member
from tidings.process.port import free_port

from . import handlers
from .reader import ChunkTally, HttpReader

UVICORN = "import sys,uvicorn;uvicorn.run(sys.argv[1]+':create_app',factory=True,port=int(sys.argv[2]),\
log_level='warning',http='httptools',loop='uvloop')"


class Asked(NamedTuple):
    """A system that runs."""

    system: System
    ask: Callable[[ChunkTally, str, int, float], Awaitable[Callable[[], None]]]
    """Opens a connection and has one stream said: what counts it, its kind, how many chunks, how many a second.
    Returns what closes it."""
    url: str = ""
    """Of the application, where it is a plain one."""


@contextmanager
def tidings() -> Iterator[Asked]:
    """Run ours: a handler that yields, and clients on WebSockets."""
    path = str(Path(handlers.__file__))
    with running(settings={"TIDINGS_DRAIN_S": "0"}, workers=((path, "--slots", "2000"),)) as (_, system, (url,)):

        async def ask(tally: ChunkTally, kind: str, count: int, per_s: float) -> Callable[[], None]:
            member = Member(tally.frame)
            await member.open(url)
            given = {"count": count, "per_s": per_s} if count else {}
            await member.ask(type="submit", kind=kind, input=given)
            return member.close

        yield Asked(system, ask)


@contextmanager
def plain() -> Iterator[Asked]:
    """Run a plain FastAPI application: it says, and sends, in one process."""
    with Children() as children:
        url = _start_app(children, "bench.streams.plain")
        yield Asked(children.system(""), _ask_by_http(url), url)


@contextmanager
def resumable() -> Iterator[Asked]:
    """Run the application and the worker of a tutorial, and their store."""
    with Children() as children:
        environment = {"BENCH_STORE_URL": start_store(children)}
        children.start("worker", [sys.executable, "-m", "bench.streams.resumable"], environment)
        url = _start_app(children, "bench.streams.resumable", environment)
        yield Asked(children.system(""), _ask_by_http(url))


SYSTEMS: dict[str, Callable[[], AbstractContextManager[Asked]]] = {
    "Tidings": tidings,
    "a list and pub/sub": resumable,
    "FastAPI alone": plain,
}


def _start_app(children: Children, module: str, environment: dict[str, str] | None = None) -> str:
    port = free_port()
    children.start("server", [sys.executable, "-c", UVICORN, module, str(port)], environment)
    url = f"http://127.0.0.1:{port}"
    children.wait_until(lambda: _answers(url))
    return url


def _answers(url: str) -> bool:
    with urllib.request.urlopen(url + "/openapi.json", timeout=5):  # noqa: S310 - our own address
        return True


def _ask_by_http(url: str) -> Callable[[ChunkTally, str, int, float], Awaitable[Callable[[], None]]]:
    async def ask(tally: ChunkTally, _kind: str, count: int, per_s: float) -> Callable[[], None]:
        reader = HttpReader(tally)
        await reader.ask(url, f"/say?count={count}&per_s={per_s}")
        return reader.close

    return ask
