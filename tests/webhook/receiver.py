"""A receiver of webhooks on loopback, in a thread: it keeps what came, and answers as its plan says."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from support.timeouts import scaled
from tidings.webhook import verify


class Received(NamedTuple):
    """One request."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def message(self) -> Any:
        return json.loads(self.body)

    def verified(self, *secrets: str) -> Any:
        """Return the message, if its signature is of one of these secrets."""
        return verify(self.headers, self.body, secrets)


class Answer(NamedTuple):
    """What a receiver answers."""

    status: int = 204
    headers: Mapping[str, str] = {}
    body: bytes = b""
    hang_s: float = 0.0
    cut: bool = False
    """Whether the connection is closed without an answer."""


Plan = Callable[[Received], Answer]


class Receiver:
    """A running receiver."""

    def __init__(self, plan: Plan, port: int = 0) -> None:
        self.plan = plan
        self.received: list[Received] = []
        self._changed = threading.Condition()
        self._over = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                one = Received(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
                answer = outer.plan(one)
                outer._keep(one)
                if answer.hang_s:
                    outer._over.wait(answer.hang_s)
                if answer.cut or outer._over.is_set():
                    self.close_connection = True
                    return
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 512

            def handle_error(self, *_: object) -> None:
                pass  # a sender that was killed leaves its connections

        self._server = Server(("127.0.0.1", port), Handler)
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def _keep(self, one: Received) -> None:
        with self._changed:
            self.received.append(one)
            self._changed.notify_all()

    def wait_for(
        self, count: int = 1, seconds: float = 15, of: Callable[[Received], bool] = lambda _: True
    ) -> list[Received]:
        """Return what came, once there are so many."""
        give_up = time.monotonic() + scaled(seconds)
        with self._changed:
            while len(found := [one for one in self.received if of(one)]) < count:
                left = give_up - time.monotonic()
                assert left > 0, f"{len(found)} of {count} deliveries came"
                self._changed.wait(left)
        return found

    def close(self) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def running_receiver(plan: Plan = lambda _: Answer(), port: int = 0) -> Iterator[Receiver]:
    """Run a receiver around the body."""
    receiver = Receiver(plan, port)
    try:
        yield receiver
    finally:
        receiver.close()
