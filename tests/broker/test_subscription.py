"""The subscription on links that fail without saying so."""

import anyio
import pytest
from redis.asyncio import Redis

from support.proxy import Way, running_proxy
from support.store import StoreProcess
from tidings.broker import subscription
from tidings.broker.connection import open_store
from tidings.broker.subscription import Subscription


async def test_a_half_open_connection_is_found_and_the_channels_are_subscribed_anew(
    store: Redis, store_process: StoreProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscription, "PROBE_S", 0.05)
    monkeypatch.setattr(subscription, "CONFIRM_TIMEOUT_S", 0.5)
    opened, lost, heard = anyio.Event(), anyio.Event(), anyio.Event()

    def on_open() -> None:
        opened.set()

    async with running_proxy(store_process.port) as proxy, anyio.create_task_group() as tasks:
        listening = open_store(f"redis://127.0.0.1:{proxy.port}/0", timeout=None)
        inbox = Subscription(listening, lambda _channel, _data: heard.set(), on_open, lost.set)
        tasks.start_soon(inbox.run)
        with anyio.fail_after(20):
            await inbox.add("c")
            await opened.wait()
            proxy.become(Way.HALF_OPEN)
            await lost.wait()
            opened = anyio.Event()
            proxy.become(Way.OPEN)
            await opened.wait()
            await store.publish("c", "x")
            await heard.wait()
        tasks.cancel_scope.cancel()
    await listening.aclose()
