"""One system of real processes for a module's tests."""

from collections.abc import AsyncIterator, Iterator

import pytest

from support.peer import Peer, peer
from support.system import System, running_system


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    with running_system() as system:
        yield system


@pytest.fixture
async def client(system: System) -> AsyncIterator[Peer]:
    async with peer(system.server.socket_url) as client:
        yield client
        assert client.early == []
