"""Tidings itself: one server and one worker, with their settings as they come."""

import json
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.harness.system import Children, System, start_store
from tidings.process.port import free_port

from . import Alone, Guarantees, Peer

JOBS = Path(__file__).parents[1] / "jobs.py"
KINDS = frozenset({"noop", "sleeper", "three_steps"})


@contextmanager
def running_children() -> Iterator[tuple[Children, System]]:
    """Run the system around the body; yield its processes too."""
    with Children() as children:
        port = free_port()
        environment = {
            "TIDINGS_STORE_URL": start_store(children),
            "TIDINGS_PORT": str(port),
            "TIDINGS_LOG_LEVEL": "warning",
            "TIDINGS_DRAIN_S": "0",
        }
        command = [sys.executable, "-m", "tidings"]
        children.start("server", [*command, "serve"], environment)
        children.start("worker", [*command, "work", str(JOBS)], environment)
        children.wait_until(lambda: _serves(f"http://127.0.0.1:{port}"))
        yield children, children.system(f"ws://127.0.0.1:{port}/v1/socket")


@contextmanager
def _running() -> Iterator[System]:
    with running_children() as (_, system):
        yield system


def _serves(url: str) -> bool:
    """Return whether the server is ready and knows the kinds; one that is not answers with an OSError."""
    with urllib.request.urlopen(url + "/readyz", timeout=2):  # noqa: S310 - our own address
        pass
    with urllib.request.urlopen(url + "/v1/kinds", timeout=2) as answer:  # noqa: S310 - our own address
        return {kind["kind"] for kind in json.load(answer)["kinds"]} >= KINDS


PEER = Peer(
    "Tidings",
    _running,
    guarantees=Guarantees(
        done_with="after the work, with its outcome, in one step",
        lost_worker="run again when its lease (10 s) has passed; one outcome is recorded",
        told="pub/sub, numbered, in the step that records it; what is missed is told again",
        result="pushed; kept for a day",
        tuned="nothing",
    ),
    lacks={},
    alone=Alone(
        (sys.executable, "-m", "bench.queue.client", "bench.queue.tidings"),
        (sys.executable, "-m", "tidings", "work", str(JOBS)),
    ),
)
