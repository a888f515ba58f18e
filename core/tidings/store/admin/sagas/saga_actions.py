"""What operators do to running sagas: release those that are held, and pin them to their version."""

from collections.abc import Sequence
from enum import StrEnum

from redis.asyncio import Redis

from tidings.store.keys import StoreKeys
from tidings.store.redis.script import Script

MOST_AT_ONCE = 500
"""Sagas in one call of the store."""

_SAGA_ACT = Script("saga_act", list[str], acknowledged=True)


class SagaAction(StrEnum):
    """What is done to a saga."""

    RELEASE = "release"
    """Queue one that is held: a worker tries it again, with whatever code."""
    PIN = "pin"
    """Have only workers run it whose own version of its kind is its version, and none that has an upcast for that."""
    UNPIN = "unpin"
    """End that."""


async def act_on_sagas(store: Redis, keys: StoreKeys, queue: str, act: SagaAction, jobs: Sequence[str]) -> list[str]:
    """Do something to sagas of a queue, by the ids of their jobs.

    Returns:
        For each `ok`, `same` (nothing was to do), `finished`, `no_saga` (it has taken no step) or `unknown`; what
        begins with `!` says why its record could not be read.

    Raises:
        StoreError: the store is unavailable. What was done before that is done.

    """
    answers: list[str] = []
    for first in range(0, len(jobs), MOST_AT_ONCE):
        answers += await _SAGA_ACT(store, keys.root(queue), (queue, str(act), jobs[first : first + MOST_AT_ONCE]))
    return answers
