"""The store of an operator's command: the flags that name it, and a client of it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import typer
from redis.asyncio import Redis

from tidings.settings.key_prefix import DEFAULT_KEY_PREFIX
from tidings.settings.settings import StoreSettings, from_env
from tidings.store.redis.store_client import check_store, open_store

from .setting_flags import with_flags

_OF_SERVERS_AND_WORKERS = (
    "log_format", "log_level", "result_ttl_s", "chronicle", "events_max_age_s", "events_max_bytes",
    "durability", "replicas", "replicas_within_s", "allow_eviction",
)  # fmt: skip

store_flags = with_flags(StoreSettings, leave_out=_OF_SERVERS_AND_WORKERS)
"""Gives a command the flags that name its store. What else `StoreSettings` has concerns server and worker alone, or is
taken from the environment: what an operator's command acknowledges is as durable as what a server does."""


def shown_prefix(prefix: str) -> str:
    """Return what follows the name of a store where the key prefix is not the default; else nothing."""
    return "" if prefix == DEFAULT_KEY_PREFIX else f", key prefix {prefix}"


def paused_text(queue: str) -> str:
    """Return what people are shown of a queue that an operator has paused."""
    return f"{queue} is paused: its workers take nothing. `tidings resume {queue}` ends it."


def with_store(flags: dict[str, Any], body: Callable[[Redis], Awaitable[None]]) -> None:
    """Run `body` with a client of the store that `flags`, or the environment, name; Ctrl-C ends it.

    Raises:
        StoreUnavailableError: no store answers there.
        SettingsError: the address is malformed.

    """
    settings = from_env(StoreSettings, overrides=flags)

    async def run() -> None:
        await check_store(settings.store_url)
        store = open_store(settings.store_url, replication=settings.replication, key_prefix=settings.key_prefix)
        try:
            await body(store)
        finally:
            await store.aclose()

    try:
        asyncio.run(run())
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
