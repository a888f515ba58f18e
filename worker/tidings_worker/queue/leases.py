"""The leases of one queue: this worker renews its own, and takes over jobs whose lease has run out."""

import asyncio

import anyio
import structlog

from tidings.store.answers import LeaseAnswer
from tidings.store.availability.retry_delay import LONGEST_S
from tidings_worker.outcome.stop_reason import StopReason
from tidings_worker.settings import WorkerSettings

from .job_starter import JobStarter
from .lease_grace import LeaseGrace
from .queue_capacity import NEEDS, Capacity
from .store_caller import StoreCaller

log = structlog.get_logger()


class Leases:
    """Keeps the leases of what runs here, and looks for those of lost workers."""

    def __init__(
        self,
        caller: StoreCaller,
        settings: WorkerSettings,
        capacity: Capacity,
        starter: JobStarter,
        unpaused: asyncio.Event,
        lease_grace: LeaseGrace,
    ) -> None:
        """Prepare.

        Args:
            caller: calls the store.
            settings: lease and heartbeat.
            capacity: says how much may be taken over.
            starter: starts what was taken over, and knows what runs.
            unpaused: not set while the queue is paused.
            lease_grace: says whether a lease that looks run out is left to its holder.

        """
        self._caller = caller
        self._store = caller.store
        self._settings = settings
        self._capacity = capacity
        self._starter = starter
        self._unpaused = unpaused
        self._lease_grace = lease_grace

    async def beat(self) -> None:
        """Renew the leases of what runs, until cancelled."""
        while True:
            await anyio.sleep(self._settings.heartbeat_s)
            attempts = list(self._starter.running.values())
            if attempts:
                beats = [attempt.beat for attempt in attempts]
                # Soon after the store is back: until then these leases look as if this worker were lost.
                longest_s = min(LONGEST_S, self._settings.heartbeat_s / 2)
                answers = await self._caller.ask(self._store.beat, beats, longest_s=longest_s)
                for attempt, answer in zip(attempts, answers, strict=True):
                    if answer is not LeaseAnswer.OK:
                        attempt.stop(StopReason(answer.value))

    async def take_over(self, tier: str, attempts: asyncio.TaskGroup) -> None:
        """Take over what lost workers held of a tier, until cancelled; the attempts run in `attempts`."""
        idle_ms = int(self._settings.lease_s * 1000)
        unread = [need for need in NEEDS if f"{tier}/{need}" not in self._caller.streams]
        while True:
            await self._unpaused.wait()
            room = await self._capacity.room(tier)
            if not self._lease_grace.holds():
                entries = await self._caller.ask(self._store.take_over, tier, idle_ms, room, unread)
                # The store may have been silent until this very call. What it gave is then not started:
                # the claim made its idle time begin again, and its worker's next beat claims it back.
                if entries and not self._lease_grace.holds():
                    log.info("taken_over", queue=self._store.partition, tier=tier, entries=len(entries))
                    reserved = self._capacity.reserve(entries, room)
                    await self._starter.start(entries, attempts, reserved)
            await anyio.sleep(self._settings.heartbeat_s)
