"""The demo's shop under a real worker: whatever happens to an order, the books agree."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import anyio
import psutil
import pytest

import jobs
from shop.books import Books, check
from shop.courier import Courier
from shop.stock import Stock
from shop.till import Till
from support.peer import Peer, peer
from support.system import System, running_system
from support.timeouts import scaled
from tidings.process.port import free_port
from tidings.protocol.states import TERMINAL

JOBS = str(jobs.__file__)
SETTLED = {"succeeded", "failed"}


class Shop:
    """The shop's books as they lie on the disk, and the system that runs it."""

    def __init__(self, system: System, folder: Path) -> None:
        self.system = system
        self.folder = folder
        self.stock = Stock(folder / "stock.db")
        self.courier = Courier(folder / "courier.db")
        self.till = Till(folder)

    def books(self) -> Books:
        return check(self.stock, self.till, self.courier)

    def add_worker(self) -> None:
        quick = {"TIDINGS_LEASE_S": "1", "TIDINGS_HEARTBEAT_S": "0.2", "TIDINGS_GRACE_S": "1"}
        self.system.add_worker(JOBS, TIDINGS_DEMO_CACHE=str(self.folder.parent), **quick)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with running_system(servers=0, workers=0) as system:
        shop = Shop(system, tmp_path / "shop")
        shop.add_worker()
        system.add_server().wait_until_ready(kinds=12)
        yield shop
        shop.till.close()


@pytest.fixture
async def client(shop: Shop) -> AsyncIterator[Peer]:
    async with peer(shop.system.server.socket_url) as client:
        yield client


async def order(client: Peer, **input: Any) -> tuple[str, list[dict[str, Any]]]:
    """Place an order; return its token and its events."""
    ack = await client.submit("place_order", input)
    assert ack["type"] == "ack", ack
    return ack["token"], await client.until(ack["token"])


def steps(events: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Return what became of each step, in the order in which it did."""
    return [
        (one["data"]["name"], one["data"]["status"])
        for one in events
        if one["event"] == "step" and one["data"]["status"] not in ("running", "compensating")
    ]


def undone(events: list[dict[str, Any]]) -> list[str]:
    """Return the names of the steps that were undone, in that order; the problem says that it is all of them."""
    assert events[-1]["data"]["problem"]["compensation"] == "complete"
    return [name for name, status in steps(events) if status == "compensated"]


async def test_an_order_is_shipped_and_paid(client: Peer, shop: Shop) -> None:
    _, events = await order(client, item="kettle", quantity=2)
    receipt = events[-1]["data"]["result"]
    assert (receipt["total"], receipt["approved"]) == (11_800, False)
    assert receipt["label"].startswith("iVBOR")
    books = shop.books()
    assert (books.shipped, books.sold, books.charged, books.refunded, books.discrepancies) == (1, 11_800, 11_800, 0, [])


@pytest.mark.parametrize(
    ("trouble", "code", "back"),
    [
        ({"quantity": 20, "item": "samovar", "card": "declined"}, "rejected", ["reserve_stock"]),
        ({"card": "broken"}, "attempts_exhausted", ["reserve_stock"]),
        ({"address": "out of reach"}, "rejected", ["charge_card", "reserve_stock"]),
    ],
    ids=["declined", "broken", "no courier"],
)
async def test_an_order_that_fails_is_undone_the_last_step_first(
    client: Peer, shop: Shop, trouble: dict[str, Any], code: str, back: list[str]
) -> None:
    _, events = await order(client, **trouble)
    assert (events[-1]["event"], events[-1]["data"]["problem"]["code"]) == ("failed", code)
    assert undone(events) == back
    books = shop.books()
    assert books.charged == books.refunded
    assert (books.shipped, books.given_up, books.discrepancies) == (0, 1, [])


async def test_a_card_service_that_charges_and_forgets_to_say_so_charges_once(client: Peer, shop: Shop) -> None:
    _, events = await order(client, card="flaky")
    assert events[-1]["event"] == "succeeded"
    books = shop.books()
    assert (books.shipped, books.charged, books.discrepancies) == (1, 2_400, [])
    assert len(shop.till.charges()) == 1


async def test_a_large_order_waits_until_it_is_approved(client: Peer, shop: Shop) -> None:
    ack = await client.submit("place_order", {"item": "samovar"})
    token = ack["token"]
    await client.until(token, "waiting")
    while True:  # its children let it go on and wait again
        snapshot = await client.ask("watch", token=token)
        if any(step["type"] == "signal" for step in snapshot.get("steps", [])):
            break
        await client.until(token, "waiting", "step")
    assert shop.books().under_way == 1
    assert (await client.ask("signal", token=token, name="approved", input=True))["type"] == "done"
    assert (await client.until(token))[-1]["data"]["result"]["approved"] is True
    assert shop.books().discrepancies == []


async def test_an_order_that_is_refused_is_undone(client: Peer, shop: Shop) -> None:
    ack = await client.submit("place_order", {"item": "samovar"})
    await client.ask("signal", token=ack["token"], name="approved", input=False)  # it may come early
    ends = await client.ends(ack["token"])
    assert ends == {ack["token"]: "failed"}
    books = shop.books()
    assert (books.given_up, books.charged, books.refunded, books.discrepancies) == (1, 48_000, 48_000, [])


async def test_an_order_that_is_cancelled_midway_is_undone(client: Peer, shop: Shop) -> None:
    ack = await client.submit("place_order", {"pace": 0.3})
    token = ack["token"]
    while steps(await client.until(token, "step"))[-1:] != [("charge_card", "succeeded")]:
        pass
    assert (await client.ask("cancel", token=token))["type"] == "done"
    events = await client.until(token)
    assert (events[-1]["event"], events[-1]["data"]["problem"]["code"]) == ("failed", "cancelled")
    assert undone(events)[-2:] == ["charge_card", "reserve_stock"]
    books = shop.books()
    assert (books.shipped, books.charged - books.refunded, books.discrepancies) == (0, 0, [])


async def test_more_than_there_is_cannot_be_ordered(client: Peer, shop: Shop) -> None:
    shop.stock.hold("somebody", "somebody", "samovar", 1_000)
    _, events = await order(client, item="samovar")
    assert events[-1]["data"]["problem"]["detail"].endswith("there are not 1 of the samovar left")
    assert steps(events) == [("reserve_stock", "failed")]
    shop.stock.release("somebody", "somebody", "samovar")
    assert shop.books().discrepancies == []


async def test_with_workers_and_card_services_killed_at_random_moments_every_order_is_whole_or_nothing(
    client: Peer, shop: Shop
) -> None:
    shop.add_worker()
    inputs: list[dict[str, Any]] = [
        {},
        {"item": "kettle", "quantity": 3},
        {"address": "out of reach"},
        {"card": "declined"},
        {"card": "flaky"},
        {"item": "samovar"},
    ]
    tokens = []
    for number in range(36):
        ack = await client.submit("place_order", {"pace": 0.05, **inputs[number % len(inputs)]})
        tokens.append(ack["token"])
        if number % len(inputs) == 5:
            await client.send("signal", token=ack["token"], name="approved", input=number % 4 == 1)
    ended: dict[str, str] = {}
    with anyio.fail_after(scaled(90)):
        for number in range(4):
            while len(ended) < 7 * (number + 1):  # so many later, whatever is under way is hit
                ended |= await _one_more(client, tokens, ended)
            if number == 2:
                for process in _card_services(shop.folder):
                    process.send_signal(signal.SIGKILL)
            else:
                shop.system.workers[0].signal(signal.SIGKILL)
                shop.system.workers.append(shop.system.workers.pop(0))
                shop.add_worker()
        while len(ended) < len(tokens):
            ended |= await _one_more(client, tokens, ended)
    assert set(ended.values()) <= SETTLED
    books = shop.books()
    assert books.discrepancies == []
    assert (books.under_way, books.shipped) == (0, list(ended.values()).count("succeeded"))
    assert books.charged - books.refunded == books.sold


async def _one_more(client: Peer, tokens: list[str], ended: dict[str, str]) -> dict[str, str]:
    """Return the next order that ends."""
    while True:
        frame = await client.receive()
        if frame["type"] not in ("event", "snapshot") or frame["token"] not in tokens or frame["token"] in ended:
            continue
        if frame["status"] in TERMINAL:
            return {frame["token"]: frame["status"]}


def _card_services(folder: Path) -> list[psutil.Process]:
    return [one for one in psutil.process_iter(["cmdline"]) if (one.info["cmdline"] or [])[-1:] == [str(folder)]]


def _check_books(tidings: list[str], environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    command = [*tidings, "submit", "check_books", "--wait", "30", "--follow"]
    return subprocess.run(command, env=environment, check=False, timeout=scaled(60), capture_output=True, text=True)


def test_the_card_service_is_gone_when_tidings_dev_ends(tmp_path: Path) -> None:
    """One command starts it all, and ends it all."""
    environment = {**os.environ, "TIDINGS_DEMO_CACHE": str(tmp_path), "TIDINGS_DIR": str(tmp_path / "store")}
    url = {"TIDINGS_PORT": str(free_port())}
    environment |= url | {"TIDINGS_URL": f"http://127.0.0.1:{url['TIDINGS_PORT']}"}
    tidings = [sys.executable, "-m", "tidings"]
    with subprocess.Popen([*tidings, "dev", JOBS], env=environment, stderr=subprocess.DEVNULL) as dev:
        try:
            give_up = time.monotonic() + scaled(60)
            while (
                done := _check_books(tidings, environment)
            ).returncode != 0:  # until a worker has registered the kind
                assert time.monotonic() < give_up, done.stderr
            (service,) = _card_services(tmp_path / "shop")
        finally:
            dev.send_signal(signal.SIGTERM)
        assert dev.wait(scaled(30)) == 0
    service.wait(scaled(10))
