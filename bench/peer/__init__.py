"""The systems that are measured, each a file of this folder that names one `PEER`.

A peer speaks the frames of our contract over its WebSocket (`submit` in; `ack` and `event` out) and
knows the kinds of `bench/jobs.py`, so that one load generator serves all. What another system lacks
for that, its file brings along.
"""

import pkgutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from importlib import import_module
from typing import NamedTuple

from bench.harness.system import System


class Guarantees(NamedTuple):
    """What a system promises as it is measured; the durability of all is the store's (`start_store`)."""

    done_with: str
    """When its queue considers a job done with: before or after the work."""
    lost_worker: str
    """What becomes of a job whose worker dies."""
    told: str
    """How a client hears of progress and result."""
    result: str
    """How the queue's own wait for a result works, and how long the result is kept."""
    tuned: str
    """What was set other than it comes, by its documentation."""


class Alone(NamedTuple):
    """How a queue is measured without a socket; both commands find the store's address in `STORE_URL`."""

    client: Sequence[str]
    """What queues jobs and waits for them; the scenario and how much of it are added."""
    worker: Sequence[str]
    """What does the jobs."""


class Peer(NamedTuple):
    """A system that can be measured."""

    title: str
    """What it is, in the table."""
    running: Callable[[], AbstractContextManager[System]]
    """Runs it around the body, from an empty store on."""
    lacks: Mapping[str, str] = {
        "sse_closed_loop": "it speaks WebSocket only",
        "poll_closed_loop": "it speaks WebSocket only",
        "large_values": "it has no job that returns what it is given",
    }
    """Scenarios that it cannot do: name → what it lacks for them."""
    guarantees: Guarantees | None = None
    """What it promises; None: it is no system."""
    alone: Alone | None = None
    """Its queue alone; None: it has none."""


def peer_names() -> list[str]:
    """Return the names of all peers."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))


def find_peer(name: str) -> Peer:
    """Return a peer.

    Raises:
        ModuleNotFoundError: there is none of this name.

    """
    peer: Peer = import_module(f"{__name__}.{name}").PEER
    return peer
