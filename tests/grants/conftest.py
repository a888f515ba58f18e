"""A system to which users come by JSON Web Tokens, back ends by API keys, and pages by grants."""

from collections.abc import AsyncIterator

import httpx
import pytest

from grants.people import KEYS, MAX_GRANTS, shop
from support.credential import JWT_SERVER
from support.system import JOBS, System, system_fixture
from support.timeouts import scaled

system = system_fixture(
    str(JOBS),
    str(JOBS.with_name("handlers") / "saga_kinds.py"),
    scope="session",
    servers=2,
    credential=shop,
    server=JWT_SERVER
    | {
        "TIDINGS_AUTH": "jwt,api_key",
        "TIDINGS_API_KEYS": ",".join(KEYS),
        "TIDINGS_MAX_GRANTS": str(MAX_GRANTS),
        "TIDINGS_LOG_LEVEL": "debug",
    },
)


@pytest.fixture
async def http(system: System) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=system.server.url, timeout=scaled(15)) as http:
        yield http
