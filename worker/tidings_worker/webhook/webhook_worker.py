"""A worker that delivers to webhooks and runs no jobs; and how a worker with jobs comes to deliver too."""

import os
import secrets
import signal
import socket
from functools import partial

import anyio
import structlog

from tidings.metrics.metric_family import MetricFamily, build_info, store_up
from tidings.metrics.metrics_server import MetricsServer
from tidings.metrics.scrape_cache import ScrapeCache
from tidings.store.availability.store_health import StoreHealth
from tidings.store.redis.store_client import Store, keys_of, open_store
from tidings.store.registry import Registry
from tidings_worker.settings import WorkerSettings

from .delivery_presence import DeliveryPresence
from .webhook_service import WebhookService

log = structlog.get_logger()


def webhook_service_of(settings: WorkerSettings, worker: str, store: Store, subscriber: Store) -> WebhookService | None:
    """Return what delivers beside a worker's jobs; None: its settings do not ask for it."""
    return WebhookService(settings, worker, store, subscriber) if settings.webhooks else None


class WebhookWorker:
    """A process that delivers and does nothing else."""

    def __init__(self, settings: WorkerSettings, listening: socket.socket | None = None) -> None:
        self._settings = settings
        self._listening = listening
        self._health = StoreHealth(key_prefix=settings.key_prefix)
        self.id = settings.name or f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"

    async def run(self) -> None:
        """Deliver until a signal asks to stop; then take nothing more, and leave when what is under way has ended."""
        settings = self._settings
        opened = partial(open_store, settings.store_url, health=self._health, key_prefix=settings.key_prefix)
        store, subscriber = opened(), opened(timeout=None)
        try:
            presence = DeliveryPresence(self.id, Registry(store, keys_of(store)), self._settings.heartbeat_s)
            async with anyio.create_task_group() as followers:
                for client in (store, subscriber):
                    followers.start_soon(client.follow_nodes, name="primary")
                await self._serve(WebhookService(self._settings, self.id, store, subscriber), presence)
                followers.cancel_scope.cancel()
            await presence.leave()
        finally:
            await subscriber.aclose()
            await store.aclose()

    async def _serve(self, service: WebhookService, presence: DeliveryPresence) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(service.run, name="webhooks")
            tasks.start_soon(presence.run, service.load, name="presence")
            if self._listening is not None:
                server = MetricsServer(self._listening, ScrapeCache(lambda: self._families(service)))
                tasks.start_soon(server.run, name="metrics")
            with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
                async for number in signals:
                    log.info("stopping", signal=signal.Signals(number).name, running=service.running)
                    break
            await service.leave()
            tasks.cancel_scope.cancel()

    async def _families(self, service: WebhookService) -> list[MetricFamily]:
        return [build_info(), store_up(answers=not self._health.lost), *service.meter.families()]
