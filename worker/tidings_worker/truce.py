"""The truce: when a lease that looks run out may only mean that the store took no heartbeats.

After a time in which nobody could renew a lease, every worker gets one lease to say that it lives. Such a time is a
silence of the store (it answers nothing), or a refusal: it answers, and takes no heartbeat, because it lacks replicas,
is one itself, has no disk, or denies the command.
"""

from tidings.broker.contact import Contact

from .settings import WorkerSettings

LEASES = frozenset({"beat", "take_over"})
"""The operations that show whether leases can be renewed: who runs something beats, who has room looks."""


def silence_of(settings: WorkerSettings) -> float:
    """Return how long the store may be silent, s, without anybody's lease looking as if it had run out.

    At worst another worker's last beat came a whole heartbeat before the silence, and its next comes half
    of one after it: one and a half heartbeats, which are at most half a lease. The other half is left.
    """
    return settings.lease_s / 2


class Truce:
    """What one queue knows of it."""

    def __init__(self, contact: Contact, settings: WorkerSettings) -> None:
        """Prepare.

        Args:
            contact: what this process knows of how the store is.
            settings: lease and heartbeat.

        """
        self._contact = contact
        self._lease_s = settings.lease_s
        self._heartbeat_s = settings.heartbeat_s
        self._longest_s = silence_of(settings)
        self._refused: dict[str, float] = {}
        """Operation → since when, at the latest, it is refused."""
        self._over = float("-inf")
        """When a refusal that lasted was over."""

    def holds(self) -> bool:
        """Return whether a lease that looks run out is left to its holder."""
        silence, now = self._contact.silence, self._contact.clock()
        refused = any(now - since > self._longest_s for since in self._refused.values())
        return refused or silence.lasts(now) or now - max(silence.ended, self._over) < self._lease_s

    def refused(self, operation: str) -> None:
        """Take note that the store did not do an operation."""
        if operation in LEASES:
            # It may have been refused ever since it was last asked.
            self._refused.setdefault(operation, self._contact.clock() - self._heartbeat_s)

    def taken(self, operation: str) -> None:
        """Take note that the store did an operation."""
        since = self._refused.pop(operation, None)
        if since is not None and (now := self._contact.clock()) - since > self._longest_s:
            self._over = now
