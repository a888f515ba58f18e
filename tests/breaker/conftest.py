"""A service, and a system whose workers call it."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from breaker.service import Service, running_service
from support.handlers import breaker_kinds
from support.system import System, WorkerProcess, system_fixture
from tidings.store.breaker_store import BreakerStore
from tidings.store.keys import StoreKeys
from tidings.store.redis.store_client import open_store

KINDS = str(Path(str(breaker_kinds.__file__)))
QUICK = {"TIDINGS_LEASE_S": "1", "TIDINGS_HEARTBEAT_S": "0.2", "TIDINGS_GRACE_S": "1", "TIDINGS_PROCESSES": "1"}


def add_worker(system: System, **environment: str) -> WorkerProcess:
    """Start one more worker, with a name of its own."""
    return system.add_worker(KINDS, TIDINGS_NAME=f"w{len(system.workers) + 1}", **QUICK, **environment)


@pytest.fixture
def service() -> Iterator[Service]:
    with running_service() as service:
        yield service


system = system_fixture(KINDS, scope="function", worker={"TIDINGS_NAME": "w1", **QUICK})


@pytest.fixture
async def operator(system: System) -> AsyncIterator[BreakerStore]:
    client: Redis = open_store(system.store.url)
    yield BreakerStore(client, StoreKeys())
    await client.aclose()
