"""What fails in a trial on a store behind sentinels; see `trial_faults`."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import redis

from cluster.trial.trial import MOST_GAP_S, Trial
from support.store import StoreProcess
from support.stores.sentinels import NAME, Watched
from support.waiting import until_async

in_thread = asyncio.to_thread


class SentinelFault(NamedTuple):
    """One way to fail."""

    act: Callable[[Trial, Watched], Awaitable[str]]
    loses: bool = False
    """Whether what no replica had confirmed may be lost: replication is asynchronous."""
    most_gap_s: float = MOST_GAP_S


async def _replaced(watched: Watched, old: StoreProcess) -> float:
    """Return how long it takes until the sentinels name another primary, s."""
    begun = time.monotonic()
    await until_async(lambda: in_thread(lambda: watched.primary), lambda found: found is not old, seconds=60)
    return time.monotonic() - begun


async def kill(trial: Trial, watched: Watched) -> str:
    """End the primary without a word."""
    old = await in_thread(lambda: watched.primary)
    await trial.confirm(watched.confirm)
    old.kill()
    took = await _replaced(watched, old)
    if not trial.replicated:  # else nothing is acknowledged before all replicas are back
        await trial.until(2)
    await in_thread(watched.bring_back, old)
    return f"replaced after {took:.1f} s"


async def failover(trial: Trial, watched: Watched) -> str:
    """Have the sentinels replace a primary that is well, and goes on taking writes for a while."""
    old = await in_thread(lambda: watched.primary)
    await trial.confirm(watched.confirm)
    await in_thread(watched.sentinels[0].ask, "FAILOVER", NAME)
    took = await _replaced(watched, old)
    if not trial.replicated:
        await trial.until(5)
    await in_thread(watched.demote, old)
    return f"replaced after {took:.2f} s"


async def coordinated(trial: Trial, watched: Watched) -> str:
    """Have the primary hand over to a replica that has all that it has."""
    old = await in_thread(lambda: watched.primary)
    try:
        await in_thread(watched.sentinels[0].ask, "FAILOVER", NAME, "COORDINATED")
    except redis.ResponseError as error:
        return f"not tried: {error}"  # before Valkey 9
    took = await _replaced(watched, old)
    await trial.until(5)
    await in_thread(watched.wait_until_whole)
    return f"replaced after {took:.2f} s"


SENTINEL_FAULTS = {
    "sentinel-coordinated": SentinelFault(coordinated),
    "sentinel-kill": SentinelFault(kill, loses=True),
    "sentinel-failover": SentinelFault(failover, loses=True),
}
