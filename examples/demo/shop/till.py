"""The shop's side of the card service: asks it, and starts it where it does not run."""

import atexit
import fcntl
import json
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from child_process import end_child
from shop import card_service
from shop.card_service import Card, Charge

ANSWER_S: Final = 15.0
"""How long the service may take to answer."""

START_S: Final = 15.0
"""How long it may take to start, or another process to have started it."""

STOP_S: Final = 5.0
"""How long it may take to end before it is killed."""

LOOK_S: Final = 0.02


class DeclinedError(Exception):
    """The card service does not charge this card; asking again is no use."""


class CardServiceError(Exception):
    """The card service did not do its work, or its answer was lost; asking again may help."""


class Till:
    """A client of the card service. Any thread may use it."""

    def __init__(self, folder: Path) -> None:
        """Prepare; the service is started when it is first needed.

        Args:
            folder: where it keeps its books. All that use one folder use one service.

        """
        self._folder = folder.absolute()  # the service runs in a folder of its own
        self._starting = threading.Lock()
        self._service: subprocess.Popen[bytes] | None = None
        self._address = ""

    def charge(self, key: str, order: str, card: Card, amount: int) -> Charge:
        """Charge a card with an amount in cents; the same key is the same charge.

        Raises:
            DeclinedError: the card does not pay, or the charge was given up before.
            CardServiceError: no answer, or none that says whether it was done.

        """
        body = {"key": key, "order": order, "card": card, "amount": amount}
        return Charge(**self._ask("POST", "/charges", body))

    def refund(self, key: str, order: str) -> int:
        """Give a charge back, and return how much that was, in cents; see that one not made never will be.

        Raises:
            CardServiceError: no answer, or none that says whether it was done.

        """
        return int(self._ask("POST", "/refunds", {"key": key, "order": order})["refunded"])

    def charges(self) -> list[Charge]:
        """Return all charges, the oldest first."""
        return [Charge(**one) for one in self._ask("GET", "/charges")["charges"]]

    def set_mode(self, mode: Card) -> None:
        """Say how the service treats all charges from now on."""
        self._ask("PUT", "/mode", {"mode": mode})

    def close(self) -> None:
        """End the service, if this started it."""
        atexit.unregister(self.close)
        with self._starting:
            self._stop()

    # Asking.

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        try:
            return _request(self._address or self._find(), method, path, body)
        except ConnectionRefusedError:
            # It ended with the process that had started it.
            return _request(self._find(), method, path, body)

    def _find(self) -> str:
        """Return the address of the service, which is started if it does not run.

        Raises:
            CardServiceError: it does not start.

        """
        with self._starting, _locked(self._folder):
            self._address = self._running() or self._start()
            return self._address

    def _running(self) -> str:
        """Return its address, if it runs; another process may have its port by now, so it is asked who it is."""
        try:
            address = f"http://127.0.0.1:{int((self._folder / 'cards.port').read_text())}"
            known = _request(address, "GET", "/healthz", None)
        except (OSError, ValueError, CardServiceError):
            return ""
        return address if known == {"service": "cards", "folder": str(self._folder)} else ""

    def _start(self) -> str:
        self._stop()  # if it is there still, it does not answer
        command = [sys.executable, "-m", card_service.__name__, str(self._folder)]
        place = Path(card_service.__file__).parents[1]
        # Its standard input ends when this process does, however that ends. A group of its own: Ctrl-C is not for it.
        self._service = subprocess.Popen(  # noqa: S603 - our own
            command, cwd=place, stdin=subprocess.PIPE, process_group=0
        )
        atexit.register(self.close)
        give_up = time.monotonic() + START_S
        while not (address := self._running()):
            if self._service.poll() is not None or time.monotonic() > give_up:
                raise CardServiceError("the card service does not start")
            time.sleep(LOOK_S)
        return address

    def _stop(self) -> None:
        service, self._service, self._address = self._service, None, ""
        if service is not None:
            end_child(service, STOP_S)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep other processes from starting the service around the body."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    give_up = time.monotonic() + START_S
    with (folder / "cards.lock").open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > give_up:
                    raise CardServiceError("another process has been starting the card service for too long") from None
                time.sleep(LOOK_S)
        yield  # closing the file lets go of the lock


def _request(address: str, method: str, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
    """Return what the service answers.

    Raises:
        ConnectionRefusedError: no process listens there; no charge was made.
        DeclinedError: it refuses, and will refuse again.
        CardServiceError: anything else.

    """
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address + path, data, method=method)  # noqa: S310 - the loopback interface
    try:
        with urllib.request.urlopen(request, timeout=ANSWER_S) as answer:  # noqa: S310
            found: dict[str, Any] = json.load(answer)
            return found
    except urllib.error.HTTPError as error:
        with error:
            detail = _detail(error)
        if error.code in (HTTPStatus.PAYMENT_REQUIRED, HTTPStatus.CONFLICT):
            raise DeclinedError(detail) from None
        raise CardServiceError(detail) from None
    except urllib.error.URLError as error:
        if isinstance(error.reason, ConnectionRefusedError):
            raise error.reason from None
        raise CardServiceError(f"the card service cannot be reached: {error.reason}") from error
    except (OSError, ValueError) as error:
        raise CardServiceError(f"the card service broke off: {error}") from error


def _detail(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.load(error)["detail"])
    except (OSError, ValueError, KeyError, TypeError):
        return f"the card service answered {error.code}"
