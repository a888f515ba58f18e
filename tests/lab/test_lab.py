"""The lab in its thread: where the parts find the next one, and that calm and closing undo everything."""

import signal
import socket
import threading

import pytest
from redis.asyncio import Redis

from support.store import StoreProcess
from support.timeouts import scaled
from tidings.process.port import free_port
from tidings.store.redis.store_client import command, open_store
from tidings_cli.lab.lab import Lab
from tidings_cli.lab.simulation import Part, SimulationError, parse_simulation


class Bench:
    """A lab, and what it did."""

    def __init__(self, simulation: str, seed: int = 1) -> None:
        self.sent: list[tuple[Part, signal.Signals]] = []
        self.told: list[str] = []
        self.something = threading.Event()
        self.lab = Lab(parse_simulation(simulation), seed, self._send, self.told.append)

    def _send(self, part: Part, number: signal.Signals) -> None:
        self.sent.append((part, number))
        self.something.set()


async def test_a_store_behind_tcp_is_reached_through_the_lab_in_the_same_database(
    store: Redis, store_process: StoreProcess
) -> None:
    bench = Bench("store.latency=1ms")
    try:
        addresses = bench.lab.start(8700, 1, f"redis://127.0.0.1:{store_process.port}/3")
        assert addresses.server_port == 8700  # nothing is between clients and the server
        assert addresses.server_store != addresses.worker_store
        through = open_store(addresses.worker_store)
        await command(through, "SET", "a", "1")
        await through.aclose()
        beside = open_store(f"redis://127.0.0.1:{store_process.port}/3")
        assert await command(beside, "GET", "a") == b"1"
        await beside.aclose()
    finally:
        bench.lab.close()


def test_only_links_on_which_something_happens_get_a_proxy() -> None:
    bench = Bench("worker-crash=5%")
    try:
        addresses = bench.lab.start(8700, 1, "unix:///nowhere/store.sock?db=2")
        assert addresses.server_store == "unix:///nowhere/store.sock?db=2"
        assert addresses.worker_store != addresses.server_store
        assert addresses.worker_store.endswith("worker.sock?db=2")
    finally:
        bench.lab.close()


def test_what_cannot_be_put_up_is_raised_where_the_lab_was_started() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port := free_port()))
        taken.listen()
        with pytest.raises(OSError, match="in use"):
            Bench("client.loss=1%").lab.start(port, 1, "redis://127.0.0.1:1")
    with pytest.raises(SimulationError, match="reached by TLS"):
        Bench("store.loss=1%").lab.start(8700, 1, "rediss://127.0.0.1:1")


def test_what_stands_still_goes_on_when_the_lab_is_to_be_calm() -> None:
    bench = Bench("worker-pause=59s/60s")
    try:
        bench.lab.start(8700, 1, "redis://127.0.0.1:1")
        bench.lab.begin()
        assert bench.something.wait(scaled(10))  # within the first second
        assert bench.sent == [(Part.WORKER, signal.SIGSTOP)]
        assert bench.told == ["the worker stands still for 59 s"]
        bench.lab.calm()
        assert bench.sent == [(Part.WORKER, signal.SIGSTOP), (Part.WORKER, signal.SIGCONT)]
    finally:
        bench.lab.close()


def test_a_lab_that_never_began_is_closed_at_once() -> None:
    bench = Bench("latency=1ms,store-pause=1s/2s")
    bench.lab.start(free_port(), 1, "redis://127.0.0.1:1")
    bench.lab.calm()
    bench.lab.close()
    assert bench.sent == []
