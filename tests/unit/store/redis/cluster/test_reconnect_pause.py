"""A node that is away is not connected to for each call."""

import asyncio
from typing import cast

import pytest

from support.timeouts import scaled
from tidings.store.availability.store_errors import StoreUnavailableError
from tidings.store.redis.cluster.reconnect_pause import ReconnectPause


class Node:
    """Counts those who want to connect, and lets them in or not."""

    def __init__(self) -> None:
        self.tries = 0
        self.away = True

    async def connect(self) -> asyncio.StreamWriter:
        """Let one in."""
        self.tries += 1
        if self.away:
            raise StoreUnavailableError("refused")
        return cast("asyncio.StreamWriter", object())


@pytest.fixture
def node(monkeypatch: pytest.MonkeyPatch) -> Node:
    monkeypatch.setattr("tidings.store.availability.retry_delay.random.random", lambda: 0.999)
    return Node()


async def test_calls_after_a_failed_connection_fail_at_once_with_its_error_and_connect_no_more(node: Node) -> None:
    connect = ReconnectPause(node.connect)
    for _ in range(50):
        with pytest.raises(StoreUnavailableError, match="refused"):
            await connect()
    assert 1 <= node.tries < 5


async def test_a_node_that_is_back_is_connected_to_as_before(node: Node) -> None:
    connect = ReconnectPause(node.connect)
    with pytest.raises(StoreUnavailableError):
        await connect()
    node.away = False
    async with asyncio.timeout(scaled(10)):
        while node.tries < 2:
            await asyncio.sleep(0.01)
            try:
                await connect()
            except StoreUnavailableError:
                assert node.tries == 1, "only the pause refuses it now"
    await connect()
    await connect()
    assert node.tries == 4
