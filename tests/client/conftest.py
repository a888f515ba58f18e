"""A server that the test plays."""

from collections.abc import AsyncIterator

import pytest

from support.wire.played import PlayedServer, played_server


@pytest.fixture
async def server() -> AsyncIterator[PlayedServer]:
    async with played_server() as server:
        yield server
