"""What reaches a running worker through the store: commands for its jobs, announcements, and pauses of its queues."""

import asyncio
from collections.abc import Mapping

import anyio
import structlog

from tidings.protocol.tokens import queue_of
from tidings.store.admin.paused_queues import PausedQueues
from tidings.store.availability.retry_delay import store_retry_delay
from tidings.store.availability.store_errors import StoreError
from tidings.store.keys import StoreKeys
from tidings.store.redis.channels import AnySubscription, subscription_to

from .build import WorkerIdentity, WorkerParts
from .queue.queue import Queue

log = structlog.get_logger()


class PauseFollower:
    """Pauses and resumes the queues of one worker as operators say."""

    def __init__(self, paused: PausedQueues, queues: Mapping[str, Queue], heartbeat_s: float) -> None:
        self._paused = paused
        self._queues = queues
        self._heartbeat_s = heartbeat_s
        self._changed = asyncio.Event()

    def wake(self) -> None:
        """Ask the store now which queues are paused."""
        self._changed.set()

    async def run(self) -> None:
        """Ask at each announcement and with each heartbeat, until cancelled: an announcement may get lost."""
        failures = 0
        known: set[str] | None = None
        while True:
            self._changed.clear()
            try:
                paused = await self._paused.queues()
            except StoreError:
                failures += 1
                await anyio.sleep(store_retry_delay(failures))
                continue
            failures = 0
            found = {name for name in self._queues if queue_of(name) in paused}
            for name in sorted(found ^ known if known is not None else found):
                log.info("queue_paused" if name in found else "queue_resumed", queue=name)
            known = found
            for name, queue in self._queues.items():
                if name in found:
                    queue.pause()
                else:
                    queue.resume()
            with anyio.move_on_after(self._heartbeat_s):
                await self._changed.wait()


class CommandFollower:
    """Listens on the channels of one worker, and passes on what comes."""

    def __init__(self, identity: WorkerIdentity, parts: WorkerParts, pauses: PauseFollower) -> None:
        self._keys: StoreKeys = identity.keys
        self._parts = parts
        self._pauses = pauses
        self._worker = identity.id
        self._probe = self._keys.probe(identity.id)
        self._subscription: AnySubscription | None = None
        self._commands = {self._keys.orders(name, identity.id): queue for name, queue in parts.queues.items()}
        """Channels with commands for jobs that run here."""
        self._of_groups = (self._keys.kinds_changed,) if parts.groups is not None else ()
        self._due = {self._keys.due(name): queue for name, queue in parts.queues.items()}
        """Channels that announce work of a queue in the schedule, in the outbox, or for workers of some kinds."""

    async def follow(self, partition: str, queue: Queue) -> None:
        """Listen to the channels of a further partition too; returns when the store has been asked for them."""
        self._commands[self._keys.orders(partition, self._worker)] = queue
        self._due[self._keys.due(partition)] = queue
        if self._subscription is not None:
            await self._subscription.keep(self._keys.orders(partition, self._worker))
            await self._subscription.keep(self._keys.due(partition))

    async def run(self) -> None:
        """Listen until cancelled."""
        subscription = self._subscription = subscription_to(
            self._parts.subscriber, self._parts.store, self._probe, self._on_message, self._on_open
        )
        keys = self._keys
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(subscription.run)
            for channel in (*self._commands, *self._due, keys.breakers_changed, keys.paused_changed, *self._of_groups):
                await subscription.keep(channel)

    def _on_message(self, channel: str, data: bytes) -> None:
        if channel == self._keys.breakers_changed:
            self._parts.breakers.take_announcement(data)
        elif channel == self._keys.paused_changed:
            self._pauses.wake()
        elif channel in self._of_groups:
            self._wake_groups()
        elif channel in self._commands:
            self._commands[channel].handle_command(data.decode())
        elif data == b"0":
            self._due[channel].announce_children()
        elif data.startswith(b"kind "):
            self._due[channel].announce_unserved(data[5:].decode(errors="replace"))
        elif data.startswith(b"lost "):
            self._due[channel].announce_lost(data[5:].decode(errors="replace"))
        else:
            self._due[channel].wake_schedule()

    def _on_open(self) -> None:
        """Look everywhere: what was announced while the subscription was away has been missed."""
        for queue in self._parts.queues.values():
            queue.wake_schedule()
            queue.announce_children()
            queue.wake_unserved()
        self._parts.breakers.reopened()
        self._pauses.wake()
        self._wake_groups()

    def _wake_groups(self) -> None:
        if self._parts.groups is not None:
            self._parts.groups.wake()
