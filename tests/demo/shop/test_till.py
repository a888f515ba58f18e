"""The till against the real card service, a process of its own."""

import json
import os
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from shop import till as till_module
from shop.till import CardServiceError, DeclinedError, Till
from support.timeouts import scaled

DEMO = Path(till_module.__file__).parents[1]


@pytest.fixture
def till(tmp_path: Path) -> Iterator[Till]:
    till = Till(tmp_path)
    yield till
    till.close()


def service(folder: Path) -> psutil.Process:
    """Return the process that serves a folder."""
    (found,) = (one for one in psutil.process_iter(["cmdline"]) if (one.info["cmdline"] or [])[-1:] == [str(folder)])
    return found


def test_a_charge_is_made_once_however_often_it_is_asked_for(till: Till) -> None:
    first = till.charge("k", "order", "good", 500)
    assert first == till.charge("k", "order", "good", 500)
    assert [(one.order, one.amount, one.refunded) for one in till.charges()] == [("order", 500, 0)]


def test_a_refund_is_made_once_however_often_it_is_asked_for(till: Till) -> None:
    till.charge("k", "order", "good", 500)
    assert till.refund("k", "order") == till.refund("k", "order") == 500
    assert [(one.amount, one.refunded) for one in till.charges()] == [(500, 500)]


def test_a_charge_that_comes_after_its_refund_is_refused(till: Till) -> None:
    assert till.refund("k", "order") == 0
    with pytest.raises(DeclinedError, match="given back"):
        till.charge("k", "order", "good", 500)
    assert sum(one.amount for one in till.charges()) == 0


def test_a_card_that_is_declined_is_not_charged(till: Till) -> None:
    with pytest.raises(DeclinedError, match="declined"):
        till.charge("k", "order", "declined", 500)
    assert till.charges() == []


def test_a_service_that_is_out_of_order_charges_nothing(till: Till) -> None:
    with pytest.raises(CardServiceError, match="out of order"):
        till.charge("k", "order", "broken", 500)
    assert till.charges() == []


def test_a_charge_whose_answer_is_lost_is_found_by_its_key(till: Till) -> None:
    with pytest.raises(CardServiceError):
        till.charge("k", "order", "flaky", 500)
    assert till.charge("k", "order", "flaky", 500).amount == 500
    assert len(till.charges()) == 1


def test_a_slow_charge_is_charged_in_the_end(till: Till) -> None:
    assert till.charge("k", "order", "slow", 500).amount == 500


def test_it_can_be_told_how_to_treat_every_card(till: Till) -> None:
    till.set_mode("declined")
    with pytest.raises(DeclinedError):
        till.charge("k", "order", "good", 500)
    till.set_mode("good")
    assert till.charge("k", "order", "good", 500).amount == 500


@pytest.mark.parametrize(
    "body", [b"[]", b"{", b"{}", b'{"key": "k", "order": "o", "card": "gold", "amount": 5}', b"x" * 10_001]
)
def test_the_service_refuses_what_is_no_charge_and_goes_on(till: Till, body: bytes) -> None:
    till.charges()
    request = urllib.request.Request(till._address + "/charges", body)
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=scaled(5))
    with refused.value as answer:
        assert answer.code in (400, 413)
        assert json.load(answer)["detail"]
    assert till.charges() == []


def test_all_tills_of_a_folder_use_one_service(tmp_path: Path) -> None:
    tills = [Till(tmp_path) for _ in range(4)]
    try:
        with ThreadPoolExecutor(4) as threads:
            list(threads.map(lambda one: one.charge("k", "order", "good", 500), tills))
        assert sum(till._service is not None for till in tills) == 1
        assert len(tills[0].charges()) == 1
    finally:
        for one in tills:
            one.close()


def test_a_service_that_was_killed_is_started_again_and_knows_what_it_did(till: Till, tmp_path: Path) -> None:
    till.charge("k", "order", "good", 500)
    killed = service(tmp_path)
    killed.kill()
    killed.wait(scaled(5))
    till._service.wait(scaled(5))  # type: ignore[union-attr]
    assert till.charge("k", "order", "good", 500).amount == 500
    assert len(till.charges()) == 1


def test_the_service_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    program = (
        "import pathlib, sys, threading; from shop import till\n"
        f"till.Till(pathlib.Path({str(tmp_path)!r})).charges()\n"
        "print('ready', flush=True)\n"
        "threading.Event().wait()\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], cwd=DEMO, stdout=subprocess.PIPE) as starter:
        assert starter.stdout is not None
        assert starter.stdout.readline() == b"ready\n"
        started = service(tmp_path)
        os.kill(starter.pid, signal.SIGKILL)
        started.wait(scaled(10))
        starter.wait(scaled(10))
    till = Till(tmp_path)
    try:
        assert till.charge("k", "order", "good", 5).amount == 5  # its port is known, and nobody is there
    finally:
        till.close()


def test_another_server_at_its_port_is_not_taken_for_it(tmp_path: Path) -> None:
    from http.server import BaseHTTPRequestHandler, HTTPServer  # noqa: PLC0415

    class Stranger(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"service": "something else"}')

        def log_message(self, *_: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Stranger) as stranger:
        threading.Thread(target=stranger.serve_forever, daemon=True).start()
        (tmp_path / "cards.port").write_text(str(stranger.server_port))
        till = Till(tmp_path)
        try:
            assert till.charge("k", "order", "good", 5).amount == 5
        finally:
            till.close()
            stranger.shutdown()
