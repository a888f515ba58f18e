"""Fixtures for all tests: one real store for the session, empty for each test."""

from collections.abc import AsyncIterator, Iterator

import pytest
from redis.asyncio import Redis

from support.store import StoreProcess, running_store
from tidings.broker.connection import open_store


@pytest.fixture(scope="session")
def store_process() -> Iterator[StoreProcess]:
    with running_store() as store:
        yield store


@pytest.fixture
async def store(store_process: StoreProcess) -> AsyncIterator[Redis]:
    client = open_store(store_process.url)
    await client.flushall()
    yield client
    await client.aclose()
