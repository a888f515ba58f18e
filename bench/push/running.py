"""What is measured: servers and one worker on one store; servers under our protocol, or under uvicorn as it comes."""

import json
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Literal

from bench.peer.tidings import JOBS
from bench.port import free_port
from bench.system import Children, System, start_store

Carrier = Literal["own", "plain"]
"""`own`: `tidings serve`; `plain`: the application under uvicorn's own protocols."""

PLAIN = "import sys,uvicorn;from tidings_server import create_app;uvicorn.run(create_app(),port=int(sys.argv[1]),\
log_level='warning',http='httptools',loop='uvloop',ws='websockets-sansio',ws_per_message_deflate=False,\
ws_max_size=1048576)"


@contextmanager
def running(
    carrier: Carrier = "own", servers: int = 1, settings: Mapping[str, str] | None = None
) -> Iterator[tuple[Children, System, list[str]]]:
    """Run it around the body; yield the processes, the system (the first server is `server`), all socket addresses."""
    with Children() as children:
        environment = {
            "TIDINGS_STORE_URL": start_store(children),
            "TIDINGS_LOG_LEVEL": "warning",
            "TIDINGS_DRAIN_S": "10",
            **(settings or {}),
        }
        ports = [free_port() for _ in range(servers)]
        tidings = [sys.executable, "-m", "tidings"]
        for number, port in enumerate(ports):
            name = "server" if number == 0 else f"server {number + 1}"
            command = [*tidings, "serve"] if carrier == "own" else [sys.executable, "-c", PLAIN, str(port)]
            children.start(name, command, {**environment, "TIDINGS_PORT": str(port)})
        children.start("worker", [*tidings, "work", str(JOBS), "--slots", "500"], environment)
        children.wait_until(lambda: all(_knows(port) for port in ports))
        urls = [f"ws://127.0.0.1:{port}/v1/socket" for port in ports]
        yield children, children.system(urls[0]), urls


def _knows(port: int) -> bool:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/kinds", timeout=5) as answer:
        return any(kind["kind"] == "ticker" for kind in json.load(answer)["kinds"])
