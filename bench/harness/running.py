"""What is measured: servers and workers on one store; servers under our protocol, or under uvicorn as it comes."""

import json
import sys
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Literal

from bench.peer.tidings import JOBS
from tidings.process.port import free_port

from .system import Children, System, start_store

Carrier = Literal["own", "plain"]
"""`own`: `tidings serve`; `plain`: the application under uvicorn's own protocols."""

PLAIN = "import sys,uvicorn;from tidings_server import create_app;uvicorn.run(create_app(),port=int(sys.argv[1]),\
log_level='warning',http='httptools',loop='uvloop',ws='websockets-sansio',ws_per_message_deflate=False,\
ws_max_size=1048576)"


@contextmanager
def running(
    carrier: Carrier = "own",
    servers: int = 1,
    settings: Mapping[str, str] | None = None,
    workers: Sequence[Sequence[str]] = ((str(JOBS), "--slots", "500"),),
    *,
    fast_allocator: bool = True,
) -> Iterator[tuple[Children, System, list[str]]]:
    """Run it around the body.

    Args:
        carrier: what the servers run under.
        servers: how many of them.
        settings: `TIDINGS_` variables for all.
        workers: for each, what follows `tidings work`.
        fast_allocator: as of `start_store`.

    Yields:
        The processes, the system, and all socket addresses. Of several servers the first is `server`, the second
        `server 2`, and so on; workers alike.

    """
    with Children() as children:
        environment = {
            "TIDINGS_STORE_URL": start_store(children, fast_allocator=fast_allocator),
            "TIDINGS_LOG_LEVEL": "warning",
            "TIDINGS_DRAIN_S": "10",
            **(settings or {}),
        }
        ports = [free_port() for _ in range(servers)]
        tidings = [sys.executable, "-m", "tidings"]
        for number, port in enumerate(ports):
            command = [*tidings, "serve"] if carrier == "own" else [sys.executable, "-c", PLAIN, str(port)]
            children.start(numbered("server", number), command, {**environment, "TIDINGS_PORT": str(port)})
        for number, arguments in enumerate(workers):
            children.start(numbered("worker", number), [*tidings, "work", *arguments], environment)
        children.wait_until(lambda: all(_serves(port) for port in ports))
        urls = [f"ws://127.0.0.1:{port}/v1/socket" for port in ports]
        yield children, children.system(urls[0]), urls


def numbered(name: str, number: int) -> str:
    """Return the name of one of several processes of a kind; `number` is from 0."""
    return f"{name} {number + 1}" if number else name


def _serves(port: int) -> bool:
    """Return whether a server knows kinds; one that is not up yet answers with an OSError."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/kinds", timeout=5) as answer:
        return bool(json.load(answer)["kinds"])
