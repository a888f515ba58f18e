"""What a worker is built of: its store, its queues with their stores and sweepers, sagas and breakers."""

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any, NamedTuple, Self

import anyio
import structlog

from tidings.consumer.event_handler import EventHandler
from tidings.declare.job import Job
from tidings.protocol.tokens import queue_of
from tidings.store.attempts.attempt_store import AttemptStore, ReportLimits, StartRules
from tidings.store.attempts.blocking_store import BlockingStore
from tidings.store.availability.store_health import StoreHealth
from tidings.store.breaker_store import BreakerStore
from tidings.store.groups.group_admin import GroupAdmin
from tidings.store.groups.group_store import GroupStore, StreamBounds
from tidings.store.jobs.job_store import JobStore, JobStoreOptions
from tidings.store.keys import StoreKeys
from tidings.store.placement.placement import KnownPlacements
from tidings.store.redis.store_client import Store, open_store
from tidings.store.registry import Registry
from tidings.store.saga_store import SagaStore
from tidings.tracing.spans import Tracing

from .circuit.worker_breakers import WorkerBreakers, log_change
from .consumers.consumer_groups import ConsumerGroups, GroupFollowing, groups_of
from .consumers.event_call import EventServices
from .consumers.event_meter import EventMeter
from .consumers.event_submitter import EventSubmitter
from .consumers.group_reader import ReaderLimits
from .loading.loader import LoadError
from .metrics.worker_meter import WorkerMeter
from .queue.lease_grace import tolerated_downtime_s
from .queue.queue import Queue
from .queue.sweeper import Sweeper
from .runner.process_pool import ProcessPool
from .runner.runner import Runners
from .runner.running_lifespans import States, jobs_with_states
from .saga.children import Children, KindDirectory
from .saga.saga import SagaServices
from .settings import WorkerSettings
from .timing import REAL_TIMING, Timing
from .watchdog import Watchdog

log = structlog.get_logger()


class WorkerIdentity(NamedTuple):
    """Who a worker is, and what it serves."""

    id: str
    """Unique among all workers."""
    settings: WorkerSettings
    jobs: Mapping[str, Job[Any, Any]]
    """The kinds that it serves, by their names."""
    keys: StoreKeys
    timing: Timing = REAL_TIMING
    handlers: Sequence[EventHandler] = ()
    """Of events."""

    def jobs_in(self, queue: str) -> dict[str, Job[Any, Any]]:
        """Return the kinds of one queue."""
        return {kind: job for kind, job in self.jobs.items() if job.queue == queue}

    def under(self, states: States) -> Self:
        """Return it with what the lifespans yielded for its jobs and handlers."""
        handlers = [
            one if one.lifespan is None or one.lifespan not in states else one.with_state(states[one.lifespan])
            for one in self.handlers
        ]
        return self._replace(jobs=jobs_with_states(self.jobs.values(), states), handlers=handlers)

    def served_queues(self) -> list[str]:
        """Return the queues of which at least one tier is served; log which tiers are not.

        Raises:
            LoadError: no tier of any kind is served.

        """
        shares = self.settings.shares
        tiers = {(job.queue, tier) for job in self.jobs.values() for tier in job.tiers}
        left_out = {place for place in tiers if shares and place[1] not in shares}
        for queue, tier in sorted(left_out):
            log.warning(
                "tier_not_served", queue=queue, tier=tier, help="TIDINGS_TIERS leaves it out: others must serve it"
            )
        served = sorted({queue for queue, tier in tiers - left_out})
        if not served and self.jobs:
            known = ", ".join(sorted({tier for _, tier in tiers}))
            raise LoadError(f"TIDINGS_TIERS names {', '.join(shares)}; the kinds of these modules have: {known}")
        return served


class WorkerParts(NamedTuple):
    """The parts of a worker that runs."""

    store: Store
    subscriber: Store
    """A connection of its own, without a time limit, for the announcements."""
    health: StoreHealth
    registry: Registry
    breakers: WorkerBreakers
    queues: dict[str, Queue]
    sweepers: list[Sweeper]
    step_threads: anyio.CapacityLimiter
    """The threads in which sagas call plain functions."""
    placements: KnownPlacements
    """Of the queues that are spread; a heartbeat brings them."""
    open_partition: Callable[[str], tuple[Queue, Sweeper]]
    """Makes what serves a further partition of one of the queues; it is paused at first."""
    groups: ConsumerGroups | None
    """Those of its handlers of events; None: it has none."""
    following: GroupFollowing


@asynccontextmanager
async def build(
    identity: WorkerIdentity,
    served: Iterable[str],
    meter: WorkerMeter,
    event_meter: EventMeter,
    tracing: Tracing | None,
) -> AsyncIterator[WorkerParts]:
    """Build the parts of a worker around the body; all queues are paused at first.

    Args:
        identity: who the worker is, and what it serves.
        served: the queues of which it serves at least one tier.
        meter: counts what becomes of the jobs.
        event_meter: counts what becomes of events.
        tracing: begins spans; None: nothing is traced.

    """
    _, settings, jobs, keys, timing, _ = identity
    async with AsyncExitStack() as stack:
        health = StoreHealth(max_downtime_s=tolerated_downtime_s(settings), key_prefix=keys.prefix)
        opened = partial(open_store, settings.store_url, health=health, key_prefix=keys.prefix)
        store = opened(timeout=timing.call_timeout_s, replication=settings.replication)
        stack.push_async_callback(store.aclose)
        subscriber = opened(timeout=None)
        stack.push_async_callback(subscriber.aclose)
        registry = Registry(store, keys)
        pool = await stack.enter_async_context(ProcessPool(settings))
        placements = KnownPlacements()
        saga_services = await _saga_services(stack, identity, store, KindDirectory(jobs, registry, placements), tracing)
        breaker_store = await stack.enter_async_context(BreakerStore(store, keys, log_change))
        breakers = WorkerBreakers(breaker_store, jobs.values(), identity.id, settings.lease_s, timing.clock)
        queues: dict[str, Queue] = {}
        sweepers = []
        for name in served:
            attempt_store = await stack.enter_async_context(_attempt_store(identity, store, name))
            runners = stack.enter_context(Runners(settings.threads, pool))
            queue = queues[name] = Queue(
                attempt_store, identity.jobs_in(name), settings, runners, health, saga_services, breakers, meter
            )
            queue.pause()  # until the worker knows that no operator has paused it
            sweepers.append(
                Sweeper(attempt_store, registry, queue.tiers, settings.sweep_s, settings.lease_s, queue.duty)
            )
        stack.enter_context(_watchdog(identity, queues))
        groups = await _consumer_groups(stack, identity, store, registry, breakers, event_meter)
        yield WorkerParts(
            store, subscriber, health, registry, breakers, queues, sweepers, saga_services.threads, placements,
            partial(_open_partition, identity, store, registry, queues), groups, _following(identity, store, queues),
        )  # fmt: skip


def _open_partition(
    identity: WorkerIdentity, store: Store, registry: Registry, queues: Mapping[str, Queue], partition: str
) -> tuple[Queue, Sweeper]:
    first, settings = queues[queue_of(partition)], identity.settings
    attempt_store = _attempt_store(identity, store, partition)
    queue = first.beside(attempt_store)
    queue.pause()
    return queue, Sweeper(attempt_store, registry, queue.tiers, settings.sweep_s, settings.lease_s, queue.duty)


async def _consumer_groups(
    stack: AsyncExitStack,
    identity: WorkerIdentity,
    store: Store,
    registry: Registry,
    breakers: WorkerBreakers,
    meter: EventMeter,
) -> ConsumerGroups | None:
    worker, settings, jobs, keys, _, handlers = identity
    if not handlers:
        return None
    options = JobStoreOptions(result_ttl_s=settings.result_ttl_s, chronicle=settings.chronicle)
    job_store = await stack.enter_async_context(JobStore(store, keys, worker, options))
    submitter = EventSubmitter(job_store, KindDirectory(jobs, registry))
    services = EventServices(job_store, submitter, breakers, anyio.CapacityLimiter(settings.threads))
    limits = ReaderLimits(settings.event_slots, settings.lease_s, _bounds(settings))
    return ConsumerGroups(groups_of(handlers), _group_stores(identity, store), registry, limits, services, meter)


def _following(identity: WorkerIdentity, store: Store, queues: Iterable[str]) -> GroupFollowing:
    kinds: dict[str, Collection[str]] = {queue: identity.jobs_in(queue).keys() for queue in queues}
    stores = _group_stores(identity, store)
    return GroupFollowing(partial(GroupAdmin, store, identity.keys), stores, kinds, _bounds(identity.settings))


def _group_stores(identity: WorkerIdentity, store: Store) -> Callable[[str], GroupStore]:
    return lambda partition: GroupStore(store, identity.keys, partition, identity.id)


def _bounds(settings: WorkerSettings) -> StreamBounds:
    return StreamBounds(settings.events_max_age_s, settings.events_max_bytes)


async def _saga_services(
    stack: AsyncExitStack, identity: WorkerIdentity, store: Store, kinds: KindDirectory, tracing: Tracing | None
) -> SagaServices:
    worker, settings, _, keys, _, _ = identity
    saga_store = await stack.enter_async_context(SagaStore(store, keys))
    options = JobStoreOptions(result_ttl_s=settings.result_ttl_s, chronicle=settings.chronicle)
    job_store = await stack.enter_async_context(JobStore(store, keys, worker, options))
    children = Children(job_store, saga_store, kinds)
    threads, holds = anyio.CapacityLimiter(settings.threads), settings.saga_diverged == "hold"
    return SagaServices(saga_store, children, threads, worker, tracing, holds)


def _attempt_store(identity: WorkerIdentity, store: Store, queue: str) -> AttemptStore:
    worker, settings, _, keys, _, _ = identity
    return AttemptStore(
        store,
        keys,
        queue,
        worker,
        result_ttl_s=settings.result_ttl_s,
        chronicle=settings.chronicle,
        limits=ReportLimits(settings.max_log_bytes, settings.max_stream_bytes, settings.compact_records),
        rules=_start_rules(identity.jobs_in(queue_of(queue)).values()),
    )


def _start_rules(jobs: Iterable[Job[Any, Any]]) -> StartRules:
    """Return what keeps jobs of some kinds from starting, as `start.lua` takes it."""
    jobs = list(jobs)
    policies = {job.kind: job.policy for job in jobs}
    return StartRules(
        serves={job.kind: (job.upcasts.oldest, job.upcasts.version) for job in jobs},
        needs={job.kind: job.mode for job in jobs if job.mode != "async"},
        limits={kind: policy.limit for kind, policy in policies.items() if policy.limit is not None},
        rates={
            kind: (policy.rate_per * 1000 / policy.rate, max(1, int(policy.rate)))
            for kind, policy in policies.items()
            if policy.rate is not None
        },
    )


def _watchdog(identity: WorkerIdentity, queues: Mapping[str, Queue]) -> Watchdog:
    worker, settings, _, keys, _, _ = identity
    # A call of the watchdog may take a third of a lease: so it has three tries before a lease runs out.
    store = BlockingStore(settings.store_url, keys, worker, settings.lease_s / 3)
    return Watchdog(
        store,
        queues,
        heartbeat_s=settings.heartbeat_s,
        lease_s=settings.lease_s,
        blocked_s=settings.blocked_s,
        warn_s=settings.warn_blocked_s,
    )
