"""Two servers behind a real proxy."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

import pytest

from support.system import System, running_system
from support.web.front import Front

TIMEOUT_S = 2
"""After so much silence the proxies here cut a connection."""

SETTINGS = {
    "TIDINGS_PING_INTERVAL_S": "0.5",
    "TIDINGS_SSE_HEARTBEAT_S": "0.5",
    "TIDINGS_MAX_BACKLOG_PER_CALLER": "20",
}


class World(NamedTuple):
    """What a test sees."""

    system: System
    front: Front


@contextmanager
def running_world(name: str) -> Iterator[World]:
    """Run a system of two servers, one worker and a proxy around the body."""
    with ExitStack() as stack:
        system = stack.enter_context(running_system(servers=2, workers=1, **SETTINGS))
        front = Front(name, [server.port for server in system.servers], TIMEOUT_S)
        yield World(system, stack.enter_context(front.running()))


@pytest.fixture(scope="module", params=["nginx", "haproxy"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """A world that a module's tests leave as it was."""
    with running_world(request.param) as world:
        yield world


@pytest.fixture(params=["nginx", "haproxy"])
def own_world(request: pytest.FixtureRequest) -> Iterator[World]:
    """A world of which a test may break a part."""
    with running_world(request.param) as world:
        yield world
