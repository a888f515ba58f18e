"""One system for a module's tests, whose handlers write to the log."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.handlers import log_kinds
from support.peer import Peer, peer
from support.system import System, system_fixture

system = system_fixture(str(Path(str(log_kinds.__file__))))


@pytest.fixture
async def client(system: System) -> AsyncIterator[Peer]:
    async with peer(system.server.socket_url) as client:
        yield client
