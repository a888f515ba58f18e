"""Deliveries in a worker process: a dispatcher for each queue, beside the jobs of the worker or alone."""

import anyio
import anyio.abc
import structlog

from tidings.logging.log_limit import LogLimiter
from tidings.store.availability.store_errors import StoreError
from tidings.store.breaker_store import BreakerStore
from tidings.store.keys import StoreKeys
from tidings.store.redis.channels import AnySubscription, subscription_to
from tidings.store.redis.store_client import Store
from tidings.store.registry import DeliveryLoad, Registry
from tidings.store.webhook_store import WebhookStore
from tidings.webhook.address_rules import AddressRules
from tidings.webhook.caller_reload import CallerReload
from tidings.webhook.target_url import TargetRules
from tidings_worker.circuit.worker_breakers import WorkerBreakers, log_change
from tidings_worker.settings import WorkerSettings

from .delivery_proxies import environment_proxies
from .dispatcher import DeliveryPlan, DeliverySlots, DeliveryTools, Dispatcher
from .guarded_session import guarded_session
from .sender import Sender
from .webhook_meter import WebhookMeter

log = structlog.get_logger()
_limited = LogLimiter(log)

QUEUES_EVERY_S = 5.0
"""How often the worker looks for queues that are new."""

LEAVE_WITHIN_S = 5.0
"""How long deliveries under way may take when the worker leaves."""


class WebhookService:
    """The deliveries of one worker process."""

    def __init__(self, settings: WorkerSettings, worker: str, store: Store, subscriber: Store) -> None:
        """Prepare.

        Args:
            settings: the worker's.
            worker: its id.
            store: a client of the store.
            subscriber: a client without a time limit, for announcements.

        """
        self._settings = settings
        self._worker = worker
        self._store = store
        self._subscriber = subscriber
        self._keys = StoreKeys(settings.key_prefix)
        self.meter = WebhookMeter()
        self._slots = DeliverySlots(settings.webhook_slots)
        self._dispatchers: dict[str, Dispatcher] = {}
        self._callers = CallerReload(settings.webhook_callers_file)
        self._proxies = environment_proxies(wanted=settings.webhook_proxies)

    @property
    def running(self) -> int:
        """Deliveries under way."""
        return sum(one.running for one in self._dispatchers.values())

    def load(self) -> DeliveryLoad:
        """Return what it delivers, for the registry."""
        return DeliveryLoad(self.running, self._settings.webhook_slots)

    def secrets_of(self, owner: str) -> tuple[str, ...]:
        """Return the secrets by which deliveries of an owner are signed: its own, or those of all."""
        own = self._callers.callers.get(owner)
        return own.secrets if own is not None and own.secrets else self._settings.webhook_secrets

    async def run(self) -> None:
        """Deliver for all queues, until cancelled."""
        settings = self._settings
        # A try may take its whole time; then its report has to reach the store.
        lease_s = 1.5 * settings.webhook_timeout_s + 2.0
        rules = TargetRules(AddressRules(settings.webhook_allow), allow_http=settings.webhook_http)
        keys = self._keys
        # Not an AsyncExitStack: where it is cancelled, it ties the errors of what it leaves into a circle of contexts,
        # which AnyIO then follows for ever.
        async with (
            WebhookStore(
                self._store,
                keys,
                lease_s=lease_s,
                per_place=settings.webhook_per_host,
                result_ttl_s=settings.result_ttl_s,
                max_bytes=settings.max_webhook_bytes,
            ) as store,
            BreakerStore(self._store, keys, log_change) as breaker_store,
            guarded_session(
                rules.addresses,
                connections=settings.webhook_slots,
                per_host=settings.webhook_per_host,
                connect_s=settings.webhook_connect_s,
                total_s=settings.webhook_timeout_s,
            ) as session,
        ):
            breakers = WorkerBreakers(breaker_store, (), self._worker, settings.lease_s)
            sender = Sender(session, rules, settings.webhook_timeout_s, self._proxies)
            plan = DeliveryPlan(self._worker, settings.webhook_backoff, lease_s, settings.max_webhook_bytes)
            tools = DeliveryTools(store, breakers, sender, rules, self.meter, self.secrets_of, plan)
            subscription = subscription_to(
                self._subscriber,
                self._store,
                self._keys.probe(f"{self._worker}-webhooks"),
                self._on_message,
                self._wake_all,
            )
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._callers.run, name="webhook callers")
                tasks.start_soon(breakers.run, settings.heartbeat_s, name="breakers of webhooks")
                tasks.start_soon(subscription.run, name="announcements of webhooks")
                tasks.start_soon(subscription.keep, self._keys.breakers_changed)
                self._breakers = breakers
                log.info("delivering_webhooks", worker=self._worker)
                await self._follow_queues(tasks, tools, subscription)

    async def leave(self) -> None:
        """Take nothing more, and return when what is under way has ended, or the time for that is over."""
        self._slots.free -= self._settings.webhook_slots  # none is free any more
        with anyio.move_on_after(LEAVE_WITHIN_S):
            for dispatcher in self._dispatchers.values():
                await dispatcher.idle()

    async def _follow_queues(
        self, tasks: anyio.abc.TaskGroup, tools: DeliveryTools, subscription: AnySubscription
    ) -> None:
        """Start a dispatcher for each partition of each queue that any kind has."""
        registry = Registry(self._store, self._keys)
        while True:
            try:
                found = await registry.read()
                queues = set(found.placements.all_partitions({one.queue for one in found.records.values()}))
            except StoreError as error:
                _limited.warning("queues_not_read", cause="webhooks", error=str(error))
                queues = set()
            for queue in sorted(queues - self._dispatchers.keys()):
                dispatcher = self._dispatchers[queue] = Dispatcher(queue, tools, self._slots)
                tasks.start_soon(subscription.keep, self._keys.webhooks(queue))
                tasks.start_soon(dispatcher.run, name="dispatcher")
            await anyio.sleep(QUEUES_EVERY_S if self._dispatchers else 0.25)

    def _on_message(self, channel: str, data: bytes) -> None:
        if channel == self._keys.breakers_changed:
            self._breakers.take_announcement(data)
            return
        queue = next((one for one in self._dispatchers if self._keys.webhooks(one) == channel), "")
        if queue:
            self._dispatchers[queue].wake()

    def _wake_all(self) -> None:
        self._breakers.reopened()
        for dispatcher in self._dispatchers.values():
            dispatcher.wake()
