"""A wall between the browser and the servers, as some companies have one: it lets through what it is told to."""

import selectors
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from support.timeouts import scaled

PATIENCE_S = 60.0


class Wall:
    """Forwards each TCP connection to the present server; one request on each, so that every one is looked at."""

    def __init__(self, port: int) -> None:
        self.target = port
        """The server's port on this machine."""
        self.refused: set[str] = set()
        """Paths whose requests are cut off without an answer."""
        self.kept: set[str] = set()
        """Paths whose answers are kept until they are complete, as proxies do that buffer."""
        self.seen: list[str] = []
        """The path of every request so far."""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: set[socket.socket] = set()
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def serve(self) -> None:
        """Take connections until the wall is closed."""
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._forward, args=(client,), daemon=True).start()

    def cut(self) -> None:
        """End every connection."""
        for end in list(self._open):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End the wall."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def _forward(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head:
                data = client.recv(65536)
                if not data:
                    return
                head += data
            path = head.split(b" ")[1].split(b"?")[0].decode()
            self.seen.append(path)
            if path in self.refused:
                return
            if b"\r\nupgrade: websocket" not in head.lower():
                lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"connection:")]
                head = b"\r\n".join([lines[0], b"Connection: close", *lines[1:]])
            with socket.create_connection(("127.0.0.1", self.target)) as server:
                server.sendall(head)
                self._open |= {client, server}
                self._pump(client, server, path)
                self._open -= {client, server}

    def _pump(self, client: socket.socket, server: socket.socket, path: str) -> None:
        kept = b""
        with selectors.DefaultSelector() as selector:
            selector.register(client, selectors.EVENT_READ)
            selector.register(server, selectors.EVENT_READ)
            while ready := selector.select(scaled(PATIENCE_S)):
                for key, _ in ready:
                    data = key.fileobj.recv(65536)  # type: ignore[union-attr]
                    if not data:
                        client.sendall(kept)
                        return
                    if key.fileobj is client:
                        server.sendall(data)
                    elif path in self.kept:
                        kept += data
                    else:
                        client.sendall(data)


@contextmanager
def standing(port: int) -> Iterator[Wall]:
    """Keep a wall before the server at a port."""
    wall = Wall(port)
    threading.Thread(target=wall.serve, daemon=True).start()
    try:
        yield wall
    finally:
        wall.close()
