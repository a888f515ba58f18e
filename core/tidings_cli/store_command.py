"""What the commands of operators do it with: a client of the store that the flags name."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import typer
from redis.asyncio import Redis

from tidings.settings import StoreSettings, from_env
from tidings.store.redis.store_client import check_store, open_store


def with_store(flags: dict[str, Any], body: Callable[[Redis], Awaitable[None]]) -> None:
    """Do something with the store that `flags`, or the environment, name; Ctrl-C ends it.

    Raises:
        StoreUnavailableError: no store answers there.
        SettingsError: the address is none.

    """
    url = from_env(StoreSettings, overrides=flags).store_url

    async def run() -> None:
        await check_store(url)
        store = open_store(url)
        try:
            await body(store)
        finally:
            await store.aclose()

    try:
        asyncio.run(run())
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
