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
        self._idle_ms = int(settings.lease_s * 1000)
        self._duty = caller.duty
        self._wakes: dict[str, asyncio.Event] = {}
        """Tier → set when this worker is to look again."""
        self._announced: set[str] = set()
        """The tiers of which those on duty have found more than they can take."""

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

    def announce_lost(self, tier: str) -> None:
        """Take over jobs of a tier as soon as there is room, although this worker is not on duty."""
        if not self._duty.on and tier in self._wakes:
            self._announced.add(tier)
            self._wakes[tier].set()

    async def take_over(self, tier: str, attempts: asyncio.TaskGroup) -> None:
        """Take over what lost workers held of a tier, until cancelled; the attempts run in `attempts`.

        Workers on duty look with each heartbeat, and have the others hear of what they have no room for.
        """
        wake = self._wakes[tier] = asyncio.Event()
        self._duty.watch(wake)
        looked_lately = True
        while True:
            await self._unpaused.wait()
            wake.clear()
            if await self._may_take_over(tier, looked_lately=looked_lately):
                await self._take_over_some(tier, attempts)
            looked_lately = self._duty.on
            await self._duty.rest(self._settings.heartbeat_s, wake)

    async def _may_take_over(self, tier: str, *, looked_lately: bool) -> bool:
        """Return whether to take over as soon as there is room.

        Args:
            tier: the tier.
            looked_lately: whether this worker asked a heartbeat ago. If not, it does not know whether the store took
                heartbeats until now: it gives those that live a heartbeat's time to renew what looks run out.

        """
        if tier in self._announced:
            self._announced.discard(tier)
            return True
        on_duty = self._duty.on
        if looked_lately and self._capacity.slots.room(tier):
            return True
        if self._lease_grace.holds() or not await self._caller.ask(
            self._store.find_lost, tier, self._idle_ms, self._unread(tier), announce=on_duty and looked_lately
        ):
            return False
        if not looked_lately:
            await anyio.sleep(self._settings.heartbeat_s)
        return True

    async def _take_over_some(self, tier: str, attempts: asyncio.TaskGroup) -> None:
        """Take over what there is room for, waiting for room until this worker is to look again."""
        room = 0
        with anyio.move_on_after(self._duty.pause(self._settings.heartbeat_s)):
            room = await self._capacity.room(tier)
        if not room or self._lease_grace.holds():
            return
        entries = await self._caller.ask(self._store.take_over, tier, self._idle_ms, room, self._unread(tier))
        # The store may have been silent until this very call. What it gave is then not started:
        # the claim made its idle time begin again, and its worker's next beat claims it back.
        if entries and not self._lease_grace.holds():
            log.info("taken_over", queue=self._store.partition, tier=tier, entries=len(entries))
            await self._starter.start(entries, attempts, self._capacity.reserve(entries, room))

    def _unread(self, tier: str) -> list[str]:
        """Return the needs for which this worker does not read a tier."""
        return [need for need in NEEDS if f"{tier}/{need}" not in self._caller.streams]
