"""The quotas of callers and addresses in this process: connections, watches, and the rate of submits."""

from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from typing import Literal, NamedTuple

from tidings.protocol.frames.limits import Limits
from tidings.protocol.problems import ProblemError, problem, problem_error
from tidings.token_bucket import TokenBucket
from tidings_server.auth.identity import Identity

from .concurrency_limit import ConcurrencyLimit, too_many


class QuotaKey(NamedTuple):
    """Whose quota it is. An owner may have the name of an address, and yet shares no quota with it."""

    kind: Literal["owner", "address"]
    name: str


class CallerQuota:
    """One caller's share."""

    __slots__ = ("_limits", "connections", "submits", "watches")

    def __init__(self, limits: Limits, now: float) -> None:
        self._limits = limits
        self.connections = 0
        self.watches = 0
        self.submits = TokenBucket(limits.max_submits_per_s, limits.max_submit_burst, now)

    def connect(self) -> None:
        """Count one more connection.

        Raises:
            ProblemError: `rate_limited`.

        """
        most = self._limits.max_connections_per_caller
        if self.connections >= most:
            raise too_many("you have", self.connections, "connections", most)
        self.connections += 1

    def disconnect(self) -> None:
        """Count one connection less."""
        self.connections -= 1

    def submit(self, now: float) -> None:
        """Count a submit.

        Raises:
            RateLimitError: with the time to wait.

        """
        wait = self.submits.take(now)
        if wait:
            raise RateLimitError("submits", self._limits.max_submits_per_s, wait)

    def watch(self, jobs: int = 1) -> None:
        """Check that one more job may be watched, or several.

        Raises:
            ProblemError: `too_many_watches`.

        """
        most = self._limits.max_watches_per_caller
        if self.watches + jobs > most:
            raise problem_error(
                "too_many_watches",
                f"you watch {self.watches} jobs over all your connections; at most {most} may be: unwatch some",
                limit=most,
            )

    def idle(self, now: float) -> bool:
        """Whether the quota may be forgotten without a loss."""
        return not self.connections and not self.watches and self.submits.full(now)


class ConnectionSlot:
    """The slot of one connection, counted for its caller and its address."""

    __slots__ = ("_quotas", "_watches", "address", "quota")

    def __init__(self, quota: CallerQuota, quotas: "Quotas", address: str) -> None:
        self.quota = quota
        self._watches = 0
        self._quotas: Quotas | None = quotas
        self.address = address

    def watch(self, jobs: int) -> None:
        """Count jobs that the connection watches until the slot is given back.

        Raises:
            ProblemError: `too_many_watches`.

        """
        self.quota.watch(jobs)
        self.quota.watches += jobs
        self._watches += jobs

    def unwatch(self, jobs: int) -> None:
        """Count jobs less."""
        self.quota.watches -= jobs
        self._watches -= jobs

    def transfer_to(self, caller: Hashable, now: float) -> CallerQuota:
        """Count the slot for another caller from now on, and return the caller's quota.

        Raises:
            ProblemError: `rate_limited`: the caller has as many as may be.

        """
        assert self._quotas is not None
        quota = self._quotas.of(caller, now)
        if quota is not self.quota:
            quota.connect()
            self.quota.disconnect()
            self.quota = quota
        return quota

    def leave(self) -> None:
        """Give the slot back; more than once is once."""
        if self._quotas is not None:
            self.quota.disconnect()
            self.quota.watches -= self._watches
            self._quotas.disconnect(self.address)
            self._quotas = None


class RequestSlot:
    """The place of one request, counted for its caller and its address. A class: each request of all has one."""

    __slots__ = ("_address", "_caller", "_of_addresses", "_of_callers")

    def __init__(
        self, of_callers: ConcurrencyLimit, caller: Hashable, of_addresses: ConcurrencyLimit, address: str
    ) -> None:
        self._of_callers = of_callers
        self._caller = caller
        self._of_addresses = of_addresses
        self._address = address

    def __enter__(self) -> None:
        """Count it.

        Raises:
            ProblemError: `rate_limited`: as many requests as may be are under way.

        """
        self._of_callers.take(self._caller)
        try:
            self._of_addresses.take(self._address)
        except ProblemError:
            self._of_callers.leave(self._caller)
            raise

    def __exit__(self, *_: object) -> None:
        """Count it no more."""
        self._of_addresses.leave(self._address)
        self._of_callers.leave(self._caller)


class Quotas:
    """The quotas of all callers and addresses that use this process."""

    def __init__(self, limits: Limits, max_connections: int) -> None:
        self._limits = limits
        self._callers: dict[Hashable, CallerQuota] = {}
        each, caller, most = limits.max_connections_per_address, limits.max_connections_per_caller, max_connections
        self._addresses = ConcurrencyLimit("your address has", "connections", each, most)
        self._requests_of_addresses = ConcurrencyLimit("your address has", "requests under way", each, most)
        self._requests_of_callers = ConcurrencyLimit("you have", "requests under way", caller, most)
        self.idle = ConcurrencyLimit("your address has", "connections that wait for a request", each, most)
        """Connections, each held by an address, that wait for a request: a request is counted itself."""

    @property
    def connections(self) -> int:
        """Sockets, streams and long polls that this process holds."""
        return self._addresses.total

    def of(self, caller: Hashable, now: float) -> CallerQuota:
        """Return the quota of a caller, named by its `QuotaKey`."""
        quota = self._callers.get(caller)
        if quota is None:
            quota = self._callers[caller] = CallerQuota(self._limits, now)
        return quota

    def enter(self, caller: Hashable, address: str, now: float) -> ConnectionSlot:
        """Return a slot for one more connection.

        Raises:
            ProblemError: `rate_limited`: the caller, the address or the process has as many as may be.

        """
        quota = self.of(caller, now)
        quota.connect()
        try:
            self._addresses.take(address)
        except ProblemError:
            quota.disconnect()
            raise
        return ConnectionSlot(quota, self, address)

    def disconnect(self, address: str) -> None:
        """Count one connection less."""
        self._addresses.leave(address)

    def request(self, caller: Hashable, address: str) -> "RequestSlot":
        """Return the place of a request, which counts while the place is entered."""
        return RequestSlot(self._requests_of_callers, caller, self._requests_of_addresses, address)

    @contextmanager
    def watching(self, caller: Hashable, address: str, now: float) -> Iterator[None]:
        """Count a long poll: a connection, and a job that is watched.

        Raises:
            ProblemError: `rate_limited` or `too_many_watches`.

        """
        connection_slot = self.enter(caller, address, now)
        try:
            connection_slot.watch(1)
            yield
        finally:
            connection_slot.leave()

    def drop_idle(self, now: float) -> None:
        """Forget the quotas of callers that have left."""
        for caller in [caller for caller, quota in self._callers.items() if quota.idle(now)]:
            del self._callers[caller]


class RateLimitError(ProblemError):
    """More came than the rate allows; the server closes the socket of a client that lets this happen often."""

    def __init__(self, what: str, rate: float, wait: float) -> None:
        detail = f"more than {rate:g} {what} a second"
        super().__init__(problem("rate_limited", detail, limit=rate, retry_after=round(wait, 3)))


def quota_key_of(identity: Identity, caller: str) -> QuotaKey:
    """Return the quota in which the acts of `identity` count; `caller` is its owner's name, or else the address."""
    return QuotaKey("owner", identity.owner) if identity.owner else QuotaKey("address", caller)
