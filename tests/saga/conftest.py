"""One system for a module's tests of sagas: their worker, and another that serves what they call."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from saga import child_kinds, kinds
from saga.desk import Desk, desk_of
from support.peer import Peer, peer
from support.store import running_store
from support.system import System

SAGAS, CHILDREN = str(Path(str(kinds.__file__))), str(Path(str(child_kinds.__file__)))
QUICK = {"TIDINGS_LEASE_S": "1", "TIDINGS_HEARTBEAT_S": "0.2", "TIDINGS_GRACE_S": "1"}


@contextmanager
def running_sagas(**environment: str) -> Iterator[System]:
    """Run a system around the body: a worker of sagas, one of their children, a server."""
    with running_store() as store:
        system = System(store)
        try:
            system.add_worker(SAGAS, **QUICK, **environment)
            system.add_worker(CHILDREN, **QUICK, **environment)
            system.add_server().wait_until_ready(kinds=40)
            yield system
        finally:
            system.close()


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    with running_sagas() as system:
        yield system


@pytest.fixture
async def client(system: System) -> AsyncIterator[Peer]:
    async with peer(system.server.socket_url) as client:
        yield client


@pytest.fixture
async def desk(system: System) -> AsyncIterator[Desk]:
    async with desk_of(system.store.url) as desk:
        yield desk
