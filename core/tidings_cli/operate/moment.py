"""Moments that operators name on the command line."""

from datetime import UTC, datetime

from redis.asyncio import Redis

from tidings.store.redis.store_clock import store_ms
from tidings_cli.duration import read_duration


async def moment_ms(store: Redis, option: str, text: str) -> int:
    """Return a moment, ms since the epoch by the store's clock: RFC 3339, or how long ago it was (`90s`, `2d`).

    Raises:
        CommandError: it is neither; names the option.

    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return await store_ms(store) - int(read_duration(option, text) * 1000)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
