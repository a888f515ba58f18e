"""The streams that a worker reads of a queue: their tiers, their slots, and which it reads together."""

from collections.abc import Iterable, Mapping
from typing import Any

from tidings.declare.job import Job
from tidings_worker.settings import WorkerSettings

from .queue_capacity import StreamGroup
from .slots import PooledSlots, SharedSlots, Slots


def served_tiers(jobs: Iterable[Job[Any, Any]], shares: Mapping[str, int]) -> list[str]:
    """Return the tiers of some jobs that a worker serves: all of them, or those to which it gives slots."""
    tiers = {tier for job in jobs for tier in job.tiers}
    return [tier for tier in shares if tier in tiers] if shares else sorted(tiers)


def stream_groups_of(jobs: Iterable[Job[Any, Any]], tiers: list[str], *, shared: bool) -> list[StreamGroup]:
    """Return the groups of streams that a worker reads of a queue.

    Args:
        jobs: the kinds it serves.
        tiers: those that it serves.
        shared: whether each tier has slots of its own.

    """
    modes: dict[str, set[str]] = {tier: set() for tier in tiers}
    for job in jobs:
        for tier in job.tiers:
            if tier in modes:
                modes[tier].add(job.mode)
    groups = []
    for group in [[tier] for tier in tiers] if shared else [tiers]:
        found = set().union(*(modes[tier] for tier in group))
        needs = sorted(found - {"async"})
        groups.append(StreamGroup(group, needs, bound="async" not in found))
        groups.extend(
            StreamGroup([tier for tier in group if need in modes[tier]], [need], bound=True, apart=True)
            for need in needs
        )
    return groups


def slots_of(settings: WorkerSettings, tiers: list[str]) -> Slots:
    """Return the slots of one queue: each tier's own where there are shares, else one pool."""
    shares = settings.shares
    return SharedSlots({tier: shares[tier] for tier in tiers}) if shares else PooledSlots(settings.slots)
