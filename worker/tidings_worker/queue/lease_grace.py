"""The grace of leases: a lease that looks run out may only mean that the store took no heartbeats.

After a time in which no worker could renew a lease, every worker gets one lease to show that it lives. Such a time is a
downtime of the store (it answers nothing) or a refusal: the store answers, and takes no heartbeat, because it lacks
replicas, is a replica itself, has no disk, or denies the command.
"""

from tidings.store.availability.store_health import StoreHealth
from tidings_worker.settings import WorkerSettings

LEASE_OPERATIONS = frozenset({"beat", "take_over", "find_lost"})
"""The operations that show whether leases can be renewed: a worker with attempts beats, others look for lost jobs."""


def tolerated_downtime_s(settings: WorkerSettings) -> float:
    """Return how long the store may be silent, s, without any lease looking as if it had run out.

    At worst another worker's last beat came a whole heartbeat before the downtime, and its next comes half
    of one after it: one and a half heartbeats, which are at most half a lease. The other half is left.
    """
    return settings.lease_s / 2


class LeaseGrace:
    """Whether the leases of one queue have this grace."""

    def __init__(self, health: StoreHealth, settings: WorkerSettings, key: str = "") -> None:
        """Prepare.

        Args:
            health: what this process knows of how the store is.
            settings: lease and heartbeat.
            key: one of the queue's: in a cluster only the node counts that holds it, however well others answer.

        """
        self._health = health
        self._key = key
        self._lease_s = settings.lease_s
        self._heartbeat_s = settings.heartbeat_s
        self._longest_s = tolerated_downtime_s(settings)
        self._refused: dict[str, float] = {}
        """Operation → since when, at the latest, it is refused."""
        self._over = float("-inf")
        """When the last long refusal was over, by the clock of the health."""

    def holds(self) -> bool:
        """Return whether a lease that looks run out is left to its holder."""
        downtime, now = self._health.downtime_of(self._key), self._health.clock()
        refused = any(now - since > self._longest_s for since in self._refused.values())
        return refused or downtime.lasts(now) or now - max(downtime.ended, self._over) < self._lease_s

    def refused(self, operation: str) -> None:
        """Take note that the store refused an operation, or did not answer."""
        if operation in LEASE_OPERATIONS:
            # The store may have refused it ever since this worker last asked, a heartbeat ago.
            self._refused.setdefault(operation, self._health.clock() - self._heartbeat_s)

    def taken(self, operation: str) -> None:
        """Take note that the store did an operation."""
        since = self._refused.pop(operation, None)
        if since is not None and (now := self._health.clock()) - since > self._longest_s:
            self._over = now
