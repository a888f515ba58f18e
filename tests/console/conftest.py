"""A system whose server asks for tokens, for a module's tests, and clients that present them."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from support.credential import JWT_SERVER, bearer, token
from support.system import System, running_system
from support.timeouts import scaled


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    with running_system(servers=0) as system:
        system.add_server(token("test"), **JWT_SERVER)
        yield system


@pytest.fixture
async def admin(system: System) -> AsyncIterator[httpx.AsyncClient]:
    headers = bearer(token("root", "admin"))
    async with httpx.AsyncClient(base_url=system.server.url, timeout=scaled(30), headers=headers) as client:
        yield client


@pytest.fixture
async def alice(system: System) -> AsyncIterator[httpx.AsyncClient]:
    headers = {**bearer(token("alice")), "prefer": "wait=20"}
    async with httpx.AsyncClient(base_url=system.server.url, timeout=scaled(30), headers=headers) as client:
        yield client
