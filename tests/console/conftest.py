"""A system whose server asks for tokens, for a module's tests, and clients that present them."""

from collections.abc import AsyncIterator

import httpx
import pytest

from support.credential import JWT_SERVER, bearer, token
from support.system import System, system_fixture
from support.timeouts import scaled

system = system_fixture(credential=lambda: token("test"), server=JWT_SERVER)


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
