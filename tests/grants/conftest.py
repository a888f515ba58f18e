"""A system to which users come by JSON Web Tokens, back ends by API keys, and pages by grants."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from grants.people import KEYS, MAX_GRANTS, shop
from support.credential import JWT_SERVER
from support.system import JOBS, System, running_system
from support.timeouts import scaled


@pytest.fixture(scope="session")
def system() -> Iterator[System]:
    with running_system(servers=0, workers=0) as system:
        system.add_worker(str(JOBS), str(JOBS.with_name("saga_kinds.py")))
        for _ in range(2):
            system.add_server(
                shop(),
                **JWT_SERVER | {"TIDINGS_AUTH": "jwt,api_key"},
                TIDINGS_API_KEYS=",".join(KEYS),
                TIDINGS_MAX_GRANTS=str(MAX_GRANTS),
                TIDINGS_LOG_LEVEL="debug",
            )
        yield system


@pytest.fixture
async def http(system: System) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=system.server.url, timeout=scaled(15)) as http:
        yield http
