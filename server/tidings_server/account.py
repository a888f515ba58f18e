"""What each caller and each address has of this process: connections, watches, and the rate of its submits."""

from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from typing import Literal, NamedTuple

from tidings.bucket import Bucket
from tidings.contract.frame import Limits
from tidings.contract.problem import ProblemError, problem, refuse

from .places import Places, too_many


class Share(NamedTuple):
    """Whose account it is. An owner may be called like an address, and yet has nothing of its account."""

    kind: Literal["owner", "address"]
    name: str


class Account:
    """One caller's share."""

    __slots__ = ("_limits", "connections", "submits", "watches")

    def __init__(self, limits: Limits, now: float) -> None:
        self._limits = limits
        self.connections = 0
        self.watches = 0
        self.submits = Bucket(limits.max_submits_per_s, limits.max_submit_burst, now)

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
            TooFastError: with the time to wait.

        """
        wait = self.submits.take(now)
        if wait:
            raise TooFastError("submits", self._limits.max_submits_per_s, wait)

    def watch(self, jobs: int = 1) -> None:
        """See that one more job may be watched, or several.

        Raises:
            ProblemError: `too_many_watches`.

        """
        most = self._limits.max_watches_per_caller
        if self.watches + jobs > most:
            raise refuse(
                "too_many_watches",
                f"you watch {self.watches} jobs over all your connections; at most {most} may be: unwatch some",
                limit=most,
            )

    def idle(self, now: float) -> bool:
        """Whether nothing would be lost if it were forgotten."""
        return not self.connections and not self.watches and self.submits.full(now)


class Seat:
    """The place of one connection, counted for its caller and its address."""

    __slots__ = ("_accounts", "_watches", "account", "address")

    def __init__(self, account: Account, accounts: "Accounts", address: str) -> None:
        self.account = account
        self._watches = 0
        self._accounts: Accounts | None = accounts
        self.address = address

    def watch(self, jobs: int) -> None:
        """Count jobs that are watched from this place until it is given back.

        Raises:
            ProblemError: `too_many_watches`.

        """
        self.account.watch(jobs)
        self.account.watches += jobs
        self._watches += jobs

    def give_to(self, caller: Hashable, now: float) -> Account:
        """Count the place for another caller from now on, and return the caller's account.

        Raises:
            ProblemError: `rate_limited`: the caller has as many as may be.

        """
        assert self._accounts is not None
        account = self._accounts.of(caller, now)
        if account is not self.account:
            account.connect()
            self.account.disconnect()
            self.account = account
        return account

    def leave(self) -> None:
        """Give the place back; more than once is once."""
        if self._accounts is not None:
            self.account.disconnect()
            self.account.watches -= self._watches
            self._accounts.disconnect(self.address)
            self._accounts = None


class Accounts:
    """All callers and addresses that have something of this process."""

    def __init__(self, limits: Limits, max_connections: int) -> None:
        self._limits = limits
        self._callers: dict[Hashable, Account] = {}
        each, caller, most = limits.max_connections_per_address, limits.max_connections_per_caller, max_connections
        self._addresses = Places("your address has", "connections", each, most)
        self._requests_of_addresses = Places("your address has", "requests under way", each, most)
        self._requests_of_callers = Places("you have", "requests under way", caller, most)
        self.idle = Places("your address has", "connections that wait for a request", each, most)
        """Connections, each held by an address, over which nothing is done that is counted itself."""

    @property
    def connections(self) -> int:
        """Sockets, streams and long polls that this process holds."""
        return self._addresses.total

    def of(self, caller: Hashable, now: float) -> Account:
        """Return the account of a caller, whose `Share` tells who it is."""
        account = self._callers.get(caller)
        if account is None:
            account = self._callers[caller] = Account(self._limits, now)
        return account

    def enter(self, caller: Hashable, address: str, now: float) -> Seat:
        """Return a place for one more connection.

        Raises:
            ProblemError: `rate_limited`: the caller, the address or the process has as many as may be.

        """
        account = self.of(caller, now)
        account.connect()
        try:
            self._addresses.take(address)
        except ProblemError:
            account.disconnect()
            raise
        return Seat(account, self, address)

    def disconnect(self, address: str) -> None:
        """Count one connection less."""
        self._addresses.leave(address)

    @contextmanager
    def request(self, caller: Hashable, address: str) -> Iterator[None]:
        """Count a request while it is under way.

        Raises:
            ProblemError: `rate_limited`: as many as may be are.

        """
        self._requests_of_callers.take(caller)
        try:
            self._requests_of_addresses.take(address)
            try:
                yield
            finally:
                self._requests_of_addresses.leave(address)
        finally:
            self._requests_of_callers.leave(caller)

    @contextmanager
    def watching(self, caller: Hashable, address: str, now: float) -> Iterator[None]:
        """Count a long poll: a connection, and a job that is watched.

        Raises:
            ProblemError: `rate_limited` or `too_many_watches`.

        """
        seat = self.enter(caller, address, now)
        try:
            seat.watch(1)
            yield
        finally:
            seat.leave()

    def forget_idle(self, now: float) -> None:
        """Let go of the accounts of those who have left."""
        for caller in [caller for caller, account in self._callers.items() if account.idle(now)]:
            del self._callers[caller]


class TooFastError(ProblemError):
    """More came than the rate allows; who lets that happen often is sent away."""

    def __init__(self, what: str, rate: float, wait: float) -> None:
        detail = f"more than {rate:g} {what} a second"
        super().__init__(problem("rate_limited", detail, limit=rate, retry_after=round(wait, 3)))
