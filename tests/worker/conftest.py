"""One system for a module's tests, with a worker that serves handlers which do what they should not."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.handlers import bad_kinds
from support.handlers.places import ending_kinds, process_kinds
from support.peer import Peer, peer
from support.store import running_store
from support.system import System

BAD = [str(Path(str(kinds.__file__))) for kinds in (bad_kinds, ending_kinds, process_kinds)]
LIMITS = {"TIDINGS_MAX_RESULT_BYTES": "100000", "TIDINGS_PROCESSES": "2", "TIDINGS_GRACE_S": "1"}


@contextmanager
def running_bad_system(**environment: str) -> Iterator[System]:
    """Run a system with one such worker around the body."""
    with running_store() as store:
        system = System(store)
        try:
            system.add_worker(*BAD, **LIMITS, **environment)
            system.add_server()
            yield system
        finally:
            system.close()


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    with running_bad_system() as system:
        yield system


@pytest.fixture
async def client(system: System) -> AsyncIterator[Peer]:
    async with peer(system.server.socket_url) as client:
        yield client
