"""The nemesis: carries out a plan against a cluster, and puts everything right at the end."""

import asyncio
import signal
import time

from tidings_cli.lab.proxy import LinkMode

from .checks.history import History, Killed
from .cluster import Cluster
from .plan import Fault, Step


class Nemesis:
    """Carries out a plan."""

    def __init__(self, cluster: Cluster, plan: list[Step], history: History) -> None:
        self._cluster = cluster
        self._plan = plan
        self._history = history

    async def run(self) -> None:
        """Carry out every step at its time; returns when all have ended."""
        begun = asyncio.get_running_loop().time()
        async with asyncio.TaskGroup() as tasks:
            for step in self._plan:
                await asyncio.sleep(max(0.0, begun + step.at_s - asyncio.get_running_loop().time()))
                tasks.create_task(self._carry_out(step), name=str(step))

    async def heal(self) -> None:
        """Put everything right: whatever is down or stopped runs again, every link is open."""
        cluster = self._cluster
        store = cluster.store.process
        if store is None or store.poll() is not None:
            await asyncio.to_thread(cluster.store.start)
        else:
            store.send_signal(signal.SIGCONT)
        for member in cluster.members.values():
            member.link.set_mode(LinkMode.OPEN)
            member.front.set_mode(LinkMode.OPEN)
            member.signal(signal.SIGCONT)
            member.held = False

    async def _carry_out(self, step: Step) -> None:
        match step.fault:
            case Fault.KILL_WORKER | Fault.KILL_SERVER:
                await self._kill(step)
            case Fault.PAUSE_WORKER | Fault.PAUSE_SERVER:
                await self._pause(step)
            case Fault.KILL_STORE:
                await self._kill_store(step)
            case Fault.PAUSE_STORE:
                await self._pause_store(step)
            case Fault.NETWORK_STORE | Fault.NETWORK_CLIENT:
                await self._disturb(step)

    async def _kill(self, step: Step) -> None:
        member = self._cluster.members[step.target]
        at = time.monotonic()
        pid = member.kill()
        if step.fault is Fault.KILL_WORKER:
            self._history.add(Killed(pid, at))
        await asyncio.sleep(step.lasts_s)
        member.held = False

    async def _pause(self, step: Step) -> None:
        member = self._cluster.members[step.target]
        member.signal(signal.SIGSTOP)
        await asyncio.sleep(step.lasts_s)
        member.signal(signal.SIGCONT)

    async def _kill_store(self, step: Step) -> None:
        await asyncio.to_thread(self._cluster.store.kill)
        await asyncio.sleep(step.lasts_s)
        await asyncio.to_thread(self._cluster.store.start)

    async def _pause_store(self, step: Step) -> None:
        process = self._cluster.store.process
        assert process is not None
        process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(step.lasts_s)
        process.send_signal(signal.SIGCONT)

    async def _disturb(self, step: Step) -> None:
        member = self._cluster.members[step.target]
        link = member.link if step.fault is Fault.NETWORK_STORE else member.front
        link.set_mode(step.way)
        await asyncio.sleep(step.lasts_s)
        link.set_mode(LinkMode.OPEN)
