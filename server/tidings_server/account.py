"""What each caller and each address has of this process: connections, watches, and the rate of its submits."""

from tidings.bucket import Bucket
from tidings.contract.frame import Limits
from tidings.contract.problem import ProblemError, problem, refuse

CONNECT_RETRY_S = 5.0
"""What one is told to wait who has, or all of whom have, as many connections as may be."""


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
            raise too_many_connections("you have", self.connections, most)
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

    def watch(self) -> None:
        """See that one more job may be watched.

        Raises:
            ProblemError: `too_many_watches`.

        """
        most = self._limits.max_watches_per_caller
        if self.watches >= most:
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

    __slots__ = ("_accounts", "account", "address")

    def __init__(self, account: Account, accounts: "Accounts", address: str) -> None:
        self.account = account
        self._accounts: Accounts | None = accounts
        self.address = address

    def give_to(self, caller: str, now: float) -> Account:
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
            self._accounts.disconnect(self.address)
            self._accounts = None


class Accounts:
    """All callers and addresses that have something of this process."""

    def __init__(self, limits: Limits, max_connections: int) -> None:
        self._limits = limits
        self._most = max_connections
        self._callers: dict[str, Account] = {}
        self._addresses: dict[str, int] = {}
        self.connections = 0
        """Sockets and streams that this process holds."""

    def of(self, caller: str, now: float) -> Account:
        """Return a caller's account."""
        account = self._callers.get(caller)
        if account is None:
            account = self._callers[caller] = Account(self._limits, now)
        return account

    def enter(self, caller: str, address: str, now: float) -> Seat:
        """Return a place for one more connection.

        Raises:
            ProblemError: `rate_limited`: the caller, the address or the process has as many as may be.

        """
        account = self.of(caller, now)
        account.connect()
        try:
            self._connect(address)
        except ProblemError:
            account.disconnect()
            raise
        return Seat(account, self, address)

    def _connect(self, address: str) -> None:
        count = self._addresses.get(address, 0)
        if count >= self._limits.max_connections_per_address:
            raise too_many_connections("your address has", count, self._limits.max_connections_per_address)
        if self.connections >= self._most:
            raise too_many_connections("this server has", self.connections, self._most)
        self._addresses[address] = count + 1
        self.connections += 1

    def disconnect(self, address: str) -> None:
        """Count one connection less."""
        self.connections -= 1
        count = self._addresses[address] - 1
        if count:
            self._addresses[address] = count
        else:
            del self._addresses[address]

    def forget_idle(self, now: float) -> None:
        """Let go of the accounts of those who have left."""
        for caller in [caller for caller, account in self._callers.items() if account.idle(now)]:
            del self._callers[caller]


def too_many_connections(who: str, count: int, most: int) -> ProblemError:
    """Return the refusal of one more connection."""
    return refuse(
        "rate_limited",
        f"{who} {count} connections; at most {most} may be open: close some, or watch several jobs over one",
        limit=most,
        retry_after=CONNECT_RETRY_S,
    )


class TooFastError(ProblemError):
    """More came than the rate allows; who lets that happen often is sent away."""

    def __init__(self, what: str, rate: float, wait: float) -> None:
        detail = f"more than {rate:g} {what} a second"
        super().__init__(problem("rate_limited", detail, limit=rate, retry_after=round(wait, 3)))
