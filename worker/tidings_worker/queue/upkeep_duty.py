"""Whether a worker does the upkeep of a partition at full pace, and how long it rests between two looks."""

import asyncio

import anyio

from tidings.store.placement.upkeep_choice import OFF_DUTY_FACTOR


class UpkeepDuty:
    """The duty of one worker in one partition: it begins and ends with what heartbeats say.

    A worker is on duty until a heartbeat has said that others are, and again when none has been answered for long.
    """

    def __init__(self) -> None:
        self.on: bool = True
        """Whether it is on duty."""
        self._wakes: list[asyncio.Event] = []

    def watch(self, wake: asyncio.Event) -> None:
        """Have an event set whenever the duty begins."""
        self._wakes.append(wake)

    def decide(self, *, on: bool) -> None:
        """Take note of whether this worker is on duty."""
        begins, self.on = on and not self.on, on
        if begins:
            for wake in self._wakes:
                wake.set()

    async def rest(self, seconds: float, wake: asyncio.Event) -> None:
        """Return after some seconds, or as soon as `wake` is set; off duty after ten times as long.

        Args:
            seconds: how often those on duty look, s.
            wake: one that is watched; what has set it is looked at by who rests.

        """
        with anyio.move_on_after(self.pause(max(seconds, 0.001))):
            await wake.wait()

    def pause(self, seconds: float) -> float:
        """Return how long this worker waits where those on duty wait some seconds."""
        return seconds if self.on else seconds * OFF_DUTY_FACTOR
