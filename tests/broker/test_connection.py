"""Commands on connections that fail."""

import pytest
import uvloop

from support.store import StoreProcess
from tidings.store.availability.store_errors import StoreUnavailableError
from tidings.store.redis.store_client import command, open_store
from tidings_cli.lab.proxy import running_proxy


async def _use_a_closed_transport(port: int) -> None:
    async with running_proxy(port) as proxy:
        store = open_store(f"redis://127.0.0.1:{proxy.port}/0")
        await command(store, "PING")
        for connection in store.connection_pool._available_connections:
            assert connection._writer is not None
            connection._writer.transport.abort()
        with pytest.raises(StoreUnavailableError):
            await command(store, "PING")
        assert await command(store, "PING") in (b"PONG", True)
        await store.aclose()


def test_a_transport_that_is_closed_under_a_connection_means_the_store_is_away(store_process: StoreProcess) -> None:
    uvloop.run(_use_a_closed_transport(store_process.port))
