"""The runtime of one server process: its parts, how they are wired, and the tasks that they run.

It owns the connections to the store. The transports take from it the job service, the quotas and the settings.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from functools import partial

import anyio
import anyio.abc
import structlog
from redis.asyncio import Redis

from tidings.metrics.store_collector import StoreCollector
from tidings.metrics.store_gauges import StoreGauges
from tidings.metrics.store_liveness import StoreLiveness
from tidings.protocol.frames.limits import Limits
from tidings.protocol.kinds.kind_record import KindRecord
from tidings.settings.key_prefix import show_patterns
from tidings.store.admin.audit_log import AuditLog
from tidings.store.admin.finished_jobs import FinishedJobs
from tidings.store.availability.store_health import StoreHealth
from tidings.store.breaker_store import BreakerStore
from tidings.store.grant_key_store import GrantKeyStore
from tidings.store.jobs.job_store import JobStore, JobStoreOptions
from tidings.store.jobs.owned_jobs import OwnedJobs
from tidings.store.jobs.ownership import OwnershipReader
from tidings.store.keys import StoreKeys
from tidings.store.placement.placement_store import PlacementStore
from tidings.store.redis.channels import deaf_parts, subscription_to
from tidings.store.redis.store_client import open_store
from tidings.store.redis.store_clock import StoreClock
from tidings.store.redis.subscription import Hearing
from tidings.store.registry import Registry
from tidings.store.requirements.requirements_watch import RequirementsWatch
from tidings.store.requirements.store_rules import EVICTION
from tidings.store.retention import RetentionWatch
from tidings.store.ticket_store import TicketStore
from tidings.tracing.tracing_setup import tracing_of
from tidings.webhook.address_rules import AddressRules
from tidings.webhook.caller_reload import CallerReload
from tidings.webhook.target_url import TargetRules

from .auth.application_login import ApplicationLogin, Authenticate
from .auth.authenticator import authenticator_of
from .auth.grants.grant_codec import GrantCodec
from .auth.grants.grant_issuer import GrantIssuer
from .auth.grants.grant_keys import GrantKeys
from .auth.identity import Identity
from .auth.ticket_issuer import TicketIssuer
from .follow.tag_feed import TagFeed
from .jobs.admission import Admission
from .jobs.answer_tasks import AnswerTasks
from .jobs.client_cancels import ClientCancels
from .jobs.deadlines import DeadlineExpiry
from .jobs.drain import Drain
from .jobs.grant_service import GrantService
from .jobs.job_service import JobService
from .jobs.job_spans import JobSpans
from .jobs.job_submissions import JobSubmissions
from .jobs.overview_feed import OverviewFeed
from .jobs.quotas import Quotas
from .jobs.webhook_admission import WebhookAdmission
from .kinds.breaker_admission import BreakerAdmission
from .kinds.catalog_updates import CatalogUpdates
from .kinds.kind_catalog import KindCatalog
from .kinds.kind_retirement import KindRetirement
from .kinds.partition_choice import PartitionChoice
from .kinds.served_kinds import ServedKinds
from .observability.connection_list import OpenConnections
from .observability.server_meters import NotifyLatency, ServerMeter
from .observability.store_memory import StoreMemoryWatch
from .settings import ServerSettings
from .watch.answer_budget import AnswerBudget
from .watch.hub import Hub

log = structlog.get_logger()

VITAL = frozenset({"EVAL", "EVALSHA", "PUBLISH", "SPUBLISH", "SSUBSCRIBE", "SUBSCRIBE", "WAIT"})
"""Commands without which the server accepts no job, or hears no event."""

START_WAIT_S = 5.0
"""How long the start waits for the store to tell the kinds; without them the server refuses everything for now."""


class ServerRuntime:
    """One server process. Use `running` around its life."""

    def __init__(self, settings: ServerSettings, authenticate: Authenticate | None = None) -> None:
        """Wire the parts.

        Args:
            settings: of the server.
            authenticate: the login of the application around it; None: there is none.

        """
        self.settings = settings
        self.id = secrets.token_urlsafe(9)
        self.over = False
        """Whether the runtime's own tasks have ended: without them the process serves no client."""
        self.drain = Drain()
        self.grant_codec = GrantCodec()
        self.authenticator = authenticator_of(settings, self.grant_codec, login=authenticate is not None)
        self.login = authenticate and ApplicationLogin(authenticate, settings.owner_names, settings.auth_within_s)
        self.limits = Limits(**{name: getattr(settings, name) for name in Limits.__struct_fields__})
        self.quotas = Quotas(self.limits, settings.max_connections)
        self.tasks = AnswerTasks()
        # The store.
        keys = self.keys = StoreKeys(settings.key_prefix)
        health = self.health = StoreHealth(key_prefix=keys.prefix)
        opened = partial(open_store, settings.store_url, health=health, key_prefix=keys.prefix)
        self.client = opened(replication=settings.replication)
        self._listening = opened(timeout=None)
        self.retention = RetentionWatch(self.client)
        self._requirements = RequirementsWatch(self.client, settings)
        self.memory = StoreMemoryWatch(self.client)
        self._clock = StoreClock()
        self.tickets = TicketIssuer(TicketStore(self.client, keys), settings.ticket_ttl_s)
        self._grant_keys = GrantKeys(self.grant_codec, settings.grant_keys, GrantKeyStore(self.client, keys))
        self.breaker_store = BreakerStore(self.client, keys)
        self.finished_jobs = FinishedJobs(self.client, keys, settings.chronicle)
        self.store = _job_store(settings, self.client, keys, self.id)
        self.owned_jobs = OwnedJobs(self.client, keys)
        self._subscription = subscription_to(
            self._listening,
            self.client,
            keys.probe(self.id),
            self._on_message,
            self._on_open,
            self._on_change,
            probe_s=settings.probe_s,
        )
        # The kinds.
        registry = Registry(self.client, keys)
        self._served_kinds = ServedKinds(registry)
        self._catalog = CatalogUpdates(
            registry,
            self._served_kinds,
            PlacementStore(self.client, keys),
            PartitionChoice(settings.dedup_window_s),
            self._on_catalog,
        )
        self._kind_retirement = KindRetirement(self.client, keys, registry, settings.kind_ttl_s)
        self._breakers = BreakerAdmission(self.breaker_store)
        # What operators see.
        self.connections = OpenConnections()
        self.meter = ServerMeter()
        self.overview_feed = OverviewFeed(
            self.client, keys, self.breaker_store, self.connections, self.finished_jobs, self.meter
        )
        store_gauges = StoreGauges(self.client, keys, self.breaker_store, self._records, lambda: self.kinds.placements)
        self.collector = StoreCollector(StoreLiveness(self.client, health), store_gauges.read)
        # The jobs.
        notify_latency = NotifyLatency(self.meter.notify, self._clock) if settings.measures else None
        answer_budget = AnswerBudget()
        self.hub = Hub(self.store, self._subscription, keys, notify_latency, answer_budget)
        self.tag_feed = TagFeed(self._subscription, self.owned_jobs, keys, self.hub.partitions)
        self._deadlines = DeadlineExpiry(self.store, lambda: self.hub.partitions)
        self._spans = JobSpans(tracing_of(settings, "tidings-server", self.id))
        webhooks = WebhookAdmission(TargetRules(AddressRules(settings.webhook_allow), allow_http=settings.webhook_http))
        self._webhook_callers = CallerReload(settings.webhook_callers_file, webhooks.use_callers)
        admission = Admission(
            self._catalog,
            self._breakers,
            self._served_kinds,
            self._spans,
            self.drain,
            settings.owner_names,
            webhooks,
            settings.unserved_grace_s,
        )
        self.grants = GrantService(
            self.grant_codec,
            GrantIssuer(self.grant_codec, settings.max_grant_ttl_s),
            settings.owner_names,
            OwnershipReader(self.client, keys),
            self.tasks,
        )
        self.jobs = JobService(
            admission,
            self.store,
            self.hub,
            self._spans,
            answer_budget,
            self.grants,
            self.tasks,
            JobSubmissions(self._catalog, self.store, self.hub, self._deadlines, self.tasks),
        )
        self.cancels = ClientCancels(self.jobs, self.store, AuditLog(self.client, keys), self.tasks)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the runtime's own tasks around the body."""
        try:
            async with self.store, self.breaker_store, anyio.create_task_group() as tasks:
                self.tasks.group = tasks
                for client in (self.client, self._listening):
                    tasks.start_soon(client.follow_nodes, name="primary")
                tasks.start_soon(self._subscription.run, name="inbox")
                tasks.start_soon(self.retention.run, name="retention")
                tasks.start_soon(self._requirements.run, name="requirements")
                tasks.start_soon(self._follow_kinds, name="kinds")
                tasks.start_soon(self._follow_breakers, name="breakers")
                tasks.start_soon(self._kind_retirement.run, name="retirement")
                tasks.start_soon(self._follow_workers, name="workers")
                tasks.start_soon(self.overview_feed.run, name="overview")
                tasks.start_soon(self.authenticator.run, name="authenticator")
                tasks.start_soon(self._grant_keys.run, name="grant keys")
                tasks.start_soon(self._deadlines.run, name="deadlines")
                tasks.start_soon(self.tag_feed.run, name="follows")
                tasks.start_soon(self.memory.run, name="memory")
                tasks.start_soon(self._webhook_callers.run, name="webhook callers")
                if self.settings.measures:
                    tasks.start_soon(self._clock.follow, self.client, name="store clock")
                    tasks.start_soon(self.collector.run, name="metrics")
                # A client that comes back to a new process must find its jobs known.
                with anyio.move_on_after(START_WAIT_S):
                    await self.retention.looked.wait()
                    await self._requirements.looked.wait()
                    await self._catalog.known.wait()
                yield
                tasks.cancel_scope.cancel()
        finally:
            self.over = True
            await self.client.aclose()
            await self._listening.aclose()
            await self._spans.close()

    # Readiness.

    @property
    def ready(self) -> bool:
        """Whether clients should come here."""
        return not self.unready_reasons()

    def unready_reasons(self) -> list[str]:
        """Return why clients should not come here, each reason as a sentence for operators."""
        eviction = self.retention.now.eviction
        refused = self.retention.now.evicts and not self.settings.allow_eviction
        faults = {
            "the process is leaving": self.drain.begun,
            f"the inbox is {self.inbox.value}: events would not be heard": self.inbox is not Hearing.OPEN,
            "the kinds are not known yet": not self._catalog.known.is_set(),
            "the keys of the issuer are not known yet": not self.authenticator.ready,
            f"the store's maxmemory-policy is {eviction}, so it deletes acknowledged jobs when its memory is full: set "
            "noeviction there, or TIDINGS_ALLOW_EVICTION=true here": refused,
        }
        needs = f"docs/how-to/production.md lists: {show_patterns(self.keys.prefix)}, commands"
        denied = [
            f"the store denies {command} ({said}): grant its user what {needs}"
            for command, said in self.health.denied.items()
            if command in VITAL
        ]
        # Of eviction the retention knows whether it is still so.
        lacking = [str(one) for one in self._requirements.refusing if one.check != EVICTION]
        return [fault for fault, true in faults.items() if true] + denied + lacking

    @property
    def inbox(self) -> Hearing:
        """Whether this process hears what is published for it."""
        return self._subscription.hearing

    @property
    def deaf_nodes(self) -> dict[str, Hearing]:
        """The nodes of a cluster whose part of the inbox is not open, by their addresses."""
        return deaf_parts(self._subscription)

    @property
    def kinds(self) -> KindCatalog:
        """The kinds that clients may submit, as last read from the registry."""
        return self._catalog.catalog

    def _records(self) -> Iterable[KindRecord]:
        return self.kinds.records.values()

    # Credentials.

    def identify(self, credential: str) -> "asyncio.Future[Identity]":
        """Return a future of the identity that a credential proves; it fails with `ProblemError`."""
        return self.tasks.start("auth", partial(self.authenticator.identify, credential))

    # What the subscription brings.

    def _on_message(self, channel: str, data: bytes) -> None:
        if channel == self.keys.kinds_changed:
            self._catalog.changed()
        elif channel == self.keys.breakers_changed:
            self._breakers.hear(data)
        elif channel == self.keys.workers_changed:
            self._served_kinds.changed()
        elif channel in self.tag_feed.channels:
            self.tag_feed.hear(channel, data)
        else:
            self.hub.receive(data)

    def _on_open(self) -> None:
        self._catalog.changed()
        self._served_kinds.changed()
        self._breakers.reopened()
        self.hub.reopened()
        self.tag_feed.reopened()

    def _on_change(self, hearing: Hearing) -> None:
        if hearing is not Hearing.OPEN:
            self.tag_feed.lost()
        tell = log.info if hearing is Hearing.OPEN else log.warning
        tell(f"inbox_{hearing}", gateway=self.id)

    async def _on_catalog(self, catalog: KindCatalog) -> None:
        """Serve the kinds of a new catalog.

        Raises:
            StoreError: the store did not confirm that this process reads its inbox in a queue.

        """
        self._breakers.serve(catalog.records.values())
        self.meter.know(catalog.records.values())
        for queue in catalog.queues - self.hub.partitions:
            await self.hub.open(queue)
        await self.tag_feed.open_new(catalog.queues)
        self.store.shares = catalog.placements.shares()
        self._catalog.partition_choice.use(catalog.placements)

    async def _follow_kinds(self) -> None:
        await self._subscription.keep(self.keys.kinds_changed)
        await self._catalog.run()

    async def _follow_workers(self) -> None:
        await self._subscription.keep(self.keys.workers_changed)
        await self._served_kinds.follow()

    async def _follow_breakers(self) -> None:
        await self._subscription.keep(self.keys.breakers_changed)
        await self._breakers.follow()


def _job_store(settings: ServerSettings, client: Redis, keys: StoreKeys, gateway: str) -> JobStore:
    options = JobStoreOptions(
        dedup_window_s=settings.dedup_window_s,
        max_backlog=settings.max_backlog,
        max_backlog_per_caller=settings.max_backlog_per_caller,
        max_backlog_bytes_per_caller=settings.max_backlog_bytes_per_caller,
        direct_per_caller=settings.direct_per_caller,
        result_ttl_s=settings.result_ttl_s,
        chronicle=settings.chronicle,
        max_listed=settings.max_listed_per_owner,
    )
    return JobStore(client, keys, gateway, options)
