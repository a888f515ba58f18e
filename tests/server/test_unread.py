"""A request that comes while the server's process stands still is answered, however long it stands."""

import signal
import socket
import time

from support.system import System, system_fixture
from support.timeouts import scaled
from tidings_server.run import server_of
from tidings_server.settings import ServerSettings

KEEP_ALIVE_S = 1.0
"""The server's time for an idle connection, and for a request to come whole."""

REQUEST = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


system = system_fixture(
    workers=0,
    scope="function",
    TIDINGS_REQUEST_WITHIN_S=str(KEEP_ALIVE_S),
    TIDINGS_KEEP_ALIVE_S=str(KEEP_ALIVE_S),
)


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


def test_a_connection_is_kept_for_the_time_that_the_setting_says() -> None:
    store = "redis://127.0.0.1:1"  # nothing connects to it
    assert server_of(ServerSettings(store_url=store, keep_alive_s=12.5)).config.timeout_keep_alive == 12.5
    default = server_of(ServerSettings(store_url=store)).config.timeout_keep_alive
    assert default > 75, "longer than proxies keep theirs: proxy.md"
