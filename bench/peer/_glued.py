"""A queue of Python glued to a WebSocket server (`bench/glue`): what its processes are."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager

from websockets.sync.client import connect
from websockets.typing import Subprotocol

from bench.harness.system import ROOT, Children, System, answers, start_store
from bench.load.wire import SUBPROTOCOL
from tidings.process.port import free_port

FIRST_JOB_TIMEOUT_S = 2.0
"""After which the first job is tried again: it may have been queued before the queue was ready."""


def python_of(environment: str) -> str:
    """Return the interpreter of an environment that `make bench-peers-setup` made."""
    return str(ROOT / environment / "bin/python")


def glued(
    server: Sequence[str], worker: Sequence[str], settings: Mapping[str, str] | None = None
) -> Callable[[], AbstractContextManager[System]]:
    """Return what runs a glued system around a body.

    Args:
        server: the command of the WebSocket server; its port is added.
        worker: the command of the worker.
        settings: environment variables of both, beside the store's address.

    """

    @contextmanager
    def running() -> Iterator[System]:
        with Children() as children:
            port = free_port()
            environment = {"STORE_URL": start_store(children), **(settings or {})}
            children.start("server", [*server, str(port)], environment)
            children.wait_until(lambda: answers(port))
            children.start("worker", worker, environment)
            url = f"ws://127.0.0.1:{port}/"
            children.wait_until(lambda: runs_a_job(url))
            yield children.system(url)

    return running


def runs_a_job(url: str) -> bool:
    """Return whether a job comes to its end; raises TimeoutError if it does not in time."""
    with connect(url, subprotocols=[Subprotocol(SUBPROTOCOL)], compression=None) as socket:
        socket.send('{"type":"submit","ref":1,"kind":"noop","input":{}}')
        while True:
            if '"succeeded"' in str(socket.recv(FIRST_JOB_TIMEOUT_S)):
                return True
