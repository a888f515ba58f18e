"""One system for a module's tests, whose handlers write to the log."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from support import log_kinds
from support.peer import Peer, peer
from support.store import running_store
from support.system import System


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    with running_store() as store:
        system = System(store)
        try:
            system.add_worker(str(Path(str(log_kinds.__file__))))
            system.add_server()
            yield system
        finally:
            system.close()


@pytest.fixture
async def client(system: System) -> AsyncIterator[Peer]:
    async with peer(system.server.socket_url) as client:
        yield client
