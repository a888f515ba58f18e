"""Somebody's application with Tidings inside, as a process under an ASGI server that knows nothing of it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from support.timeouts import scaled
from support.waiting import until
from tidings.process.port import free_port

SCRIPT = Path(__file__).with_name("mounted.py")
START_TIMEOUT_S = 20.0


@contextmanager
def running_mounted(
    store_url: str, sockets: str, headers: dict[str, str] | None = None, **environment: str
) -> Iterator[str]:
    """Run it around the body; yield its address when it knows the kinds.

    Args:
        store_url: the store of a system with a worker.
        sockets: uvicorn's name of the WebSocket implementation.
        headers: by which it lets one see the kinds.
        environment: its settings.

    """
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environ = {**os.environ, "TIDINGS_STORE_URL": store_url, **environment}
    with subprocess.Popen([sys.executable, str(SCRIPT), str(port), sockets], env=environ) as process:
        try:
            until(lambda: _serves(url, headers), seconds=START_TIMEOUT_S, process=process)
            yield url
        finally:
            process.terminate()


def _serves(url: str, headers: dict[str, str] | None) -> bool:
    try:
        return "echo" in httpx.get(url + "/tidings/v1/kinds", headers=headers, timeout=scaled(5)).text
    except httpx.TransportError:
        return False
