"""The systems that are measured, each a file of this folder that names one `PEER`.

A peer speaks the frames of our contract over its WebSocket (`submit` in; `ack` and `event` out) and
knows the kinds of `bench/jobs.py`, so that one load generator serves all. What another system lacks
for that, its file brings along.
"""

import pkgutil
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from importlib import import_module
from typing import NamedTuple

from bench.system import System


class Peer(NamedTuple):
    """A system that can be measured."""

    title: str
    """What it is, in the table."""
    running: Callable[[], AbstractContextManager[System]]
    """Runs it around the body, from an empty store on."""
    lacks: Mapping[str, str] = {"sse_closed_loop": "it speaks WebSocket only"}
    """Scenarios that it cannot do: name → what it lacks for them."""


def peer_names() -> list[str]:
    """Return the names of all peers."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def find_peer(name: str) -> Peer:
    """Return a peer.

    Raises:
        ModuleNotFoundError: there is none of this name.

    """
    peer: Peer = import_module(f"{__name__}.{name}").PEER
    return peer
