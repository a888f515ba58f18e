"""A request that comes while the server's process stands still is answered, however long it stands."""

import signal
import socket
import time

from support.system import System, system_fixture
from support.timeouts import scaled

KEEP_ALIVE_S = 5.0
"""Uvicorn's time for an idle connection."""

REQUEST = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


system = system_fixture(workers=0, scope="function", TIDINGS_REQUEST_WITHIN_S=str(KEEP_ALIVE_S))


def answer(connection: socket.socket) -> bytes:
    """Return an answer whole."""
    told = b""
    while not told.endswith(b"ok\n"):
        more = connection.recv(4096)
        assert more, told
        told += more
    return told


def test_what_came_meanwhile_is_read_before_an_idle_connection_is_closed(system: System) -> None:
    address = ("127.0.0.1", system.server.port)
    with (
        socket.create_connection(address, timeout=scaled(20)) as idle,
        socket.create_connection(address, timeout=scaled(20)) as halfway,
        socket.create_connection(address, timeout=scaled(20)) as third,
    ):
        idle.sendall(REQUEST)
        assert answer(idle).startswith(b"HTTP/1.1 200")
        halfway.sendall(REQUEST[:20])
        assert system.server.get("/readyz")[0] == 200  # so that it has read that
        system.server.signal(signal.SIGSTOP)
        third.sendall(REQUEST)  # the kernel ends the loop's wait with this alone
        time.sleep(0.5)
        idle.sendall(REQUEST)
        halfway.sendall(REQUEST[20:])
        time.sleep(KEEP_ALIVE_S + 0.5)
        system.server.signal(signal.SIGCONT)
        assert answer(third).startswith(b"HTTP/1.1 200")
        assert answer(idle).startswith(b"HTTP/1.1 200")
        assert answer(halfway).startswith(b"HTTP/1.1 200")
