"""One system of real processes for a module's tests."""

from collections.abc import AsyncIterator

import pytest

from support.peer import Peer, peer
from support.system import System, system_fixture

system = system_fixture()


@pytest.fixture
async def client(system: System) -> AsyncIterator[Peer]:
    async with peer(system.server.socket_url) as client:
        yield client
        assert client.early == []
