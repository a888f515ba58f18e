"""A service that jobs call: a real HTTP server that is told to fail, to be slow, or to hang."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

from support.timeouts import scaled


class Call(NamedTuple):
    """One call of the service."""

    at: float
    """When it came, s by this machine's clock that never goes back."""
    worker: str
    ok: bool


class Service:
    """Answers every GET as it was last told."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.failing = False
        self.answering = threading.Event()
        """While it is not set calls wait for their answer."""
        self.answering.set()
        self.came = threading.Condition()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, name="service", daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/"

    def wait_for(self, count: int, seconds: float = 30) -> list[Call]:
        """Return the calls once there are so many."""
        with self.came:
            assert self.came.wait_for(lambda: len(self.calls) >= count, scaled(seconds)), self.calls
            return list(self.calls)

    def close(self) -> None:
        self.answering.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(scaled(10))

    def _take(self, worker: str) -> bool:
        ok = not self.failing
        with self.came:
            self.calls.append(Call(time.monotonic(), worker, ok))
            self.came.notify_all()
        self.answering.wait()
        return ok

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                worker = parse_qs(urlsplit(self.path).query).get("worker", [""])[0]
                ok = service._take(worker)
                self.send_response(200 if ok else 500)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        return Handler


@contextmanager
def running_service() -> Iterator[Service]:
    """Run a service around the body."""
    service = Service()
    try:
        yield service
    finally:
        service.close()
