"""An issuer of tokens that publishes its keys: a real HTTP server that can change them, break and go away."""

import http.server
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tidings.process.port import free_port


class Issuer:
    """The server; set what it answers."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/keys"
        self.keys: list[dict[str, Any]] = []
        self.body: bytes | None = None
        """Answered in place of the keys, if set."""
        self.redirect = ""
        self.delay_s = 0.0
        """How long it takes to answer."""
        self.asked = 0
        """How often it was asked."""
        self._server: http.server.ThreadingHTTPServer | None = None

    def start(self) -> None:
        """Answer from now on."""
        issuer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.asked += 1
                time.sleep(issuer.delay_s)
                self.send_response(302 if issuer.redirect else 200)
                self.send_header("location", issuer.redirect)
                self.end_headers()
                body = issuer.body
                self.wfile.write(json.dumps({"keys": issuer.keys}).encode() if body is None else body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), name="issuer").start()

    def stop(self) -> None:
        """Answer nobody any more."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


@contextmanager
def running_issuer() -> Iterator[Issuer]:
    """Run an issuer around the body."""
    issuer = Issuer()
    issuer.start()
    try:
        yield issuer
    finally:
        issuer.stop()
