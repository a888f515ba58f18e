"""Whether the store answers. A store that is slow is not one that is down: it answers, and later."""

import asyncio
from typing import Any

from redis.asyncio import Redis

from tidings.store.availability.store_errors import StoreUnavailableError
from tidings.store.availability.store_health import StoreHealth
from tidings.store.redis.store_client import command_pool_of

UNANSWERED_LIMIT_S = 5.0
"""How long a question may stay unanswered, and every other one too, before the store counts as down."""


class StoreLiveness:
    """Asks the store for a sign of life, one question at a time."""

    def __init__(self, store: Redis, health: StoreHealth) -> None:
        """Prepare.

        Args:
            store: a client of the store.
            health: what this process knows of how the store is: one that is lost is not asked.

        """
        self._store = store
        self._health = health
        self._question: asyncio.Future[Any] | None = None
        self._asked_at = 0.0

    async def is_up(self, within_s: float) -> bool:
        """Return whether the store is up, after `within_s` seconds at the most.

        It is down if it cannot be reached, or has said nothing at all for `UNANSWERED_LIMIT_S` since it was asked.
        """
        if self._health.lost:
            return False
        if self._question is None:
            self._question = command_pool_of(self._store).ask("PING")
            self._asked_at = self._health.clock()
        done, _ = await asyncio.wait([self._question], timeout=within_s)
        if done:
            error, self._question = self._question.exception(), None
            # A refusal is an answer too.
            return not isinstance(error, StoreUnavailableError)
        heard_at = self._health.downtime.heard_at
        since = self._asked_at if heard_at is None else max(self._asked_at, heard_at)
        return self._health.clock() - since <= UNANSWERED_LIMIT_S
