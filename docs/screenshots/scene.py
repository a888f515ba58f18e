"""The demo with a shop beside it, and what comes to it while pictures are taken."""

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

from tidings import SubmitOptions, SyncClient
from tidings.process.port import free_port

ROOT = Path(__file__).parents[2]
DEMO = str(ROOT / "examples/demo/jobs.py")
SHOP = str(Path(__file__).with_name("shop.py"))
ORDERS_S = 0.16
"""Between two orders, on average."""


class Receiver(BaseHTTPRequestHandler):
    """Takes deliveries at one path, and has trouble at another."""

    def do_POST(self) -> None:
        """See `BaseHTTPRequestHandler`."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(503 if self.path == "/down" else 204)
        self.end_headers()

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""


@contextmanager
def running_dev(module: str, *, page: str, shop: bool = False) -> Iterator[str]:
    """Run store, server and workers around the body, and give the server's URL.

    Args:
        module: with the jobs.
        page: the front page: `demo`, or `kinds`.
        shop: whether workers of the shop run too: one of its first release for a moment, then one of the second.

    """
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ, "TIDINGS_PAGE": page, "TIDINGS_PORT": str(port), "TIDINGS_DIR": folder,
            "TIDINGS_DEMO_CACHE": f"{folder}/demo",
        }  # fmt: skip
        command = [sys.executable, "-m", "tidings", "dev", module, "--no-reload"]
        with _running(command, environment), ExitStack() as stack:
            _until(lambda: bool(_get(f"{url}/v1/kinds")["kinds"]))
            if shop:
                with _shop(folder, environment, 1):
                    _until(lambda: "quote_parcel" in {one["kind"] for one in _get(f"{url}/v1/kinds")["kinds"]})
                stack.enter_context(_shop(folder, environment, 2))
                _until(lambda: bool(_get(f"{url}/v1/admin/kinds/changes")["kinds"]))
            yield url


@contextmanager
def orders_coming(url: str) -> Iterator[None]:
    """Let orders and all else come while the body runs."""
    enough = threading.Event()
    receiver = HTTPServer(("127.0.0.1", 0), Receiver)
    threads = [
        threading.Thread(target=receiver.serve_forever),
        threading.Thread(target=_order, args=(url, enough)),
    ]
    for thread in threads:
        thread.start()
    try:
        _fill(url, f"http://127.0.0.1:{receiver.server_port}")
        yield
    finally:
        enough.set()
        receiver.shutdown()
        for thread in threads:
            thread.join()
        receiver.server_close()


def operate(url: str) -> None:
    """Do what operators do: the audit shows it."""
    post(url, "/v1/admin/objectives", {"place_order": {"total_p99": 2.5, "success": 0.9}}, "PUT")
    post(url, "/v1/admin/breakers/rates", {"state": "closed"})
    post(url, "/v1/admin/groups/pause", {"group": "search"})
    letters = _get(f"{url}/v1/admin/dead?kind=place_order&limit=3")["letters"]
    post(url, "/v1/admin/dead/replay", {"tokens": [one["token"] for one in letters[1:]]})
    post(url, "/v1/admin/queues/default/pause")
    post(url, "/v1/admin/queues/default/resume")


def post(url: str, path: str, body: object = None, method: str = "POST") -> Any:
    """Ask the server's API for operators, and return its answer."""
    headers = {"Content-Type": "application/json", "Tidings-Admin": "1"}
    asked = urllib.request.Request(url + path, json.dumps(body or {}).encode(), headers, method=method)  # noqa: S310
    with urllib.request.urlopen(asked, timeout=30) as answer:  # noqa: S310 - our own server
        return json.load(answer)


def _order(url: str, enough: threading.Event) -> None:
    """Place orders, most of them good."""
    chance = random.Random(7)  # noqa: S311 - pictures, not secrets
    with SyncClient(url) as client:
        while not enough.wait(chance.expovariate(1 / ORDERS_S)):
            address = chance.choices(["in reach", "out of reach"], [9, 1])[0]
            card = chance.choices(["good", "declined", "flaky"], [12, 1, 1])[0]
            item = chance.choices(["teapot", "kettle"], [3, 2])[0]
            client.submit("place_order", item=item, card=card, address=address, pace=chance.random() / 4)
            if chance.random() < 0.4:
                client.submit("convert_currency", cents=chance.randrange(100, 9000), currency="USD")


def _fill(url: str, receiver: str) -> None:
    """Have what each page of the console shows: webhooks, breakers, groups, changes, and what operators did."""
    with SyncClient(url) as client:
        for _ in range(3):
            client.submit("place_order", item="samovar", pace=0.2)  # waits for a person
        approved = client.submit("place_order", item="samovar", pace=0.1)
        client.submit("import_catalogue")
        client.submit("recite", words=4000, pace_ms=60)
        for number in range(12):
            to = f"{receiver}/{'down' if number % 4 == 3 else 'in'}"
            options = SubmitOptions(webhook=to)
            client.submit("send_invoice", order=f"order-{number}", cents=1000 + number, options=options)
        for cents in (900, 1200, 800, 70_000, 80_000, 90_000, 64_000):
            client.submit("pay_supplier", cents=cents)
        approved.signal("approved", True)


def _shop(folder: str, environment: dict[str, str], release: int) -> AbstractContextManager[None]:
    """Return a worker of a release of the shop; the second breaks what clients of the first one send."""
    command = [sys.executable, "-m", "tidings", "work", SHOP, "--store-url", f"embedded:{folder}"]
    return _running(command, {**environment, "SHOP_RELEASE": str(release), "TIDINGS_SCHEMA_CHECK": "warn"})


@contextmanager
def _running(command: list[str], environment: dict[str, str]) -> Iterator[None]:
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:  # noqa: S603
        try:
            yield
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)


def _until(answers: Any) -> None:
    end = time.monotonic() + 90
    while True:
        try:
            if answers():
                return
        except OSError:
            pass
        if time.monotonic() > end:
            sys.exit("what the pictures show does not run: make demo shows why")
        time.sleep(0.2)


def _get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - our own server
        return json.load(answer)
