"""The card service: another company's, so a process of its own, with an API over HTTP and books of its own.

    python card_service.py FOLDER

It takes a free port of the loopback interface, writes its number to FOLDER/cards.port, and ends when its
standard input does: with the process that started it. Money is in cents.

| call | answer |
|---|---|
| `POST /charges` {key, order, card, amount} | 201 the charge, 200 again, 402 declined, 409 void, 503 out of order |
| `POST /refunds` {key, order} | 200 {refunded}; a charge that never came is void from now on: {refunded: 0} |
| `GET /charges` | 200 {charges}, the oldest first |
| `GET /mode`, `PUT /mode` {mode} | 200 {mode}: how it treats all charges |
| `GET /healthz` | 200 {service, folder} |

A charge's card says what happens to it, or the service's mode where that is not `good`:
`good`, `declined`, `slow` (takes `SLOW_S`), `broken` (503, nothing is charged), `flaky` (the first try is charged,
and answered by 503: asked again with the same key, it answers with that charge).
"""

import dataclasses
import json
import os
import sys
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final, Literal, get_args

from shop.ledger import Ledger

Card = Literal["good", "declined", "slow", "broken", "flaky"]

SLOW_S: Final = 4.0
"""How long a slow charge takes."""

MAX_BODY: Final = 10_000
"""Bytes of a request."""


@dataclasses.dataclass(frozen=True, slots=True)
class Charge:
    """Money taken from a card."""

    key: str
    order: str
    amount: int
    refunded: int
    """The whole amount or 0."""
    void: bool
    """The shop gave it up before it arrived."""


class CardBooks(Ledger):
    """All charges. Each has a key; a second charge under a key changes nothing."""

    schema = """
        CREATE TABLE IF NOT EXISTS charge (
            key TEXT PRIMARY KEY, "order" TEXT NOT NULL, amount INTEGER NOT NULL CHECK (amount >= 0),
            refunded INTEGER NOT NULL CHECK (refunded IN (0, amount)), void INTEGER NOT NULL
        );
    """

    def charge(self, key: str, order: str, amount: int) -> tuple[Charge, bool]:
        """Return the charge of a key, and whether it was made just now."""
        with self._writing() as books:
            made = books.execute("INSERT OR IGNORE INTO charge VALUES (?, ?, ?, 0, 0)", (key, order, amount)).rowcount
            row = books.execute("SELECT * FROM charge WHERE key = ?", (key,)).fetchone()
        return _charge(row), made == 1

    def refund(self, key: str, order: str) -> int:
        """Give back a charge; return how much that was, however often it is asked."""
        with self._writing() as books:
            books.execute("INSERT OR IGNORE INTO charge VALUES (?, ?, 0, 0, 1)", (key, order))
            books.execute("UPDATE charge SET refunded = amount WHERE key = ?", (key,))
            (amount,) = books.execute("SELECT refunded FROM charge WHERE key = ?", (key,)).fetchone()
        return int(amount)

    def charges(self) -> list[Charge]:
        """Return all, the oldest first."""
        with self._open() as books:
            return [_charge(row) for row in books.execute("SELECT * FROM charge ORDER BY rowid")]


def _charge(row: Any) -> Charge:
    return Charge(row["key"], row["order"], row["amount"], row["refunded"], bool(row["void"]))


Reply = tuple[HTTPStatus, dict[str, Any]]


class _RefusedError(Exception):
    """An answer other than 200."""

    def __init__(self, status: HTTPStatus, detail: str) -> None:
        self.status = status
        super().__init__(detail)


class CardService(ThreadingHTTPServer):
    """The service; `serve_forever` serves."""

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folder = folder
        self.books = CardBooks(folder / "cards.db")
        self.mode: Card = "good"


class _Handler(BaseHTTPRequestHandler):
    server: CardService
    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_GET(self) -> None:
        self._answer({"/healthz": self._health, "/charges": self._charges, "/mode": self._mode})

    def do_POST(self) -> None:
        self._answer({"/charges": self._charge, "/refunds": self._refund})

    def do_PUT(self) -> None:
        self._answer({"/mode": self._set_mode})

    def log_message(self, *_: object) -> None:
        """Log nothing: the books show what a request did."""

    def _answer(self, routes: dict[str, Callable[[dict[str, Any]], Reply]]) -> None:
        try:
            body = self._body()
            status, value = routes.get(self.path, self._nowhere)(body)
        except _RefusedError as refused:
            status, value = refused.status, {"detail": str(refused)}
        except (KeyError, TypeError, ValueError) as error:
            status, value = HTTPStatus.BAD_REQUEST, {"detail": f"not a request of this API: {error}"}
        text = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def _body(self) -> dict[str, Any]:
        length = int(self.headers.get("content-length") or 0)
        if not 0 <= length <= MAX_BODY:
            self.close_connection = True
            raise _RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"at most {MAX_BODY} bytes are taken")
        value = json.loads(self.rfile.read(length) or b"{}")
        if not isinstance(value, dict):
            raise TypeError("the body is no JSON object")
        return value

    def _nowhere(self, _: dict[str, Any]) -> Reply:
        raise _RefusedError(HTTPStatus.NOT_FOUND, f"there is no {self.command} {self.path}")

    def _health(self, _: dict[str, Any]) -> Reply:
        return HTTPStatus.OK, {"service": "cards", "folder": str(self.server.folder)}

    def _charges(self, _: dict[str, Any]) -> Reply:
        return HTTPStatus.OK, {"charges": [dataclasses.asdict(one) for one in self.server.books.charges()]}

    def _mode(self, _: dict[str, Any]) -> Reply:
        return HTTPStatus.OK, {"mode": self.server.mode}

    def _set_mode(self, body: dict[str, Any]) -> Reply:
        self.server.mode = _card(body["mode"])
        return HTTPStatus.OK, {"mode": self.server.mode}

    def _charge(self, body: dict[str, Any]) -> Reply:
        key, order, amount = str(body["key"]), str(body["order"]), int(body["amount"])
        how = _card(body["card"]) if self.server.mode == "good" else self.server.mode
        if amount <= 0:
            raise ValueError("an amount is above 0")
        if how == "declined":
            raise _RefusedError(HTTPStatus.PAYMENT_REQUIRED, "the card was declined")
        if how == "broken":
            raise _RefusedError(HTTPStatus.SERVICE_UNAVAILABLE, "the card service is out of order")
        if how == "slow":
            time.sleep(SLOW_S)
        charge, made = self.server.books.charge(key, order, amount)
        if charge.void or charge.refunded:
            raise _RefusedError(HTTPStatus.CONFLICT, "this charge was given back already")
        if how == "flaky" and made:
            raise _RefusedError(HTTPStatus.SERVICE_UNAVAILABLE, "the card service lost its thread")
        return HTTPStatus.CREATED if made else HTTPStatus.OK, dataclasses.asdict(charge)

    def _refund(self, body: dict[str, Any]) -> Reply:
        return HTTPStatus.OK, {"refunded": self.server.books.refund(str(body["key"]), str(body["order"]))}


def _card(value: object) -> Card:
    for known in get_args(Card):
        if value == known:
            return known  # type: ignore[no-any-return]
    raise ValueError(f"{value!r} is none of {', '.join(get_args(Card))}")


def main(folder: Path) -> None:
    """Serve until the standard input ends."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with CardService(folder) as service:
        told = folder / f"cards.port.{os.getpid()}"
        told.write_text(str(service.server_port))
        told.replace(folder / "cards.port")
        threading.Thread(target=_until_left, args=(service,), name="parent", daemon=True).start()
        service.serve_forever()


def _until_left(service: CardService) -> None:
    # Ctrl-C in a terminal is for the process that started this one; when that ends, this one ends too.
    while sys.stdin.buffer.read(1):
        pass
    service.shutdown()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
