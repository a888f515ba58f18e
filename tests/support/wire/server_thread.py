"""A server in a thread of the test's process: real connections, and its parts at hand."""

import asyncio
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from support.system import System
from support.timeouts import scaled
from support.waiting import until
from tidings.process.port import free_port
from tidings.settings.settings import from_env
from tidings_server.run import Server, server_of
from tidings_server.settings import ServerSettings
from tidings_server.web.uvicorn_config import ServerConfig


@contextmanager
def server_in_thread(
    system: System, prepare: Callable[[ServerConfig], object] = lambda _: None, **environment: str
) -> Iterator[tuple[Server, int]]:
    """Run a server around the body; yield it with its port, once it knows the kinds.

    Args:
        system: its store, and a worker.
        prepare: called with what the server shares with uvicorn, before it starts.
        environment: its settings.

    """
    port = free_port()
    variables = {"TIDINGS_STORE_URL": system.store.url, "TIDINGS_PORT": str(port), "TIDINGS_DRAIN_S": "1"}
    server = server_of(from_env(ServerSettings, {**variables, **environment}))
    assert isinstance(server.config, ServerConfig)
    prepare(server.config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), name="server")
    thread.start()
    try:
        until(lambda: _ready(port) and "echo" in server.runtime.kinds.records)
        yield server, port
    finally:
        server.should_exit = True
        thread.join(scaled(20))


def _ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=scaled(5)) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
